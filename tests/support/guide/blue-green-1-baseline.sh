# Verify blue environment is healthy
curl https://api.thebot.com/health/ | jq .

# Baseline metrics
BASELINE_ERROR_RATE=$(curl -s http://localhost:9090/api/v1/query \
  --data-urlencode 'query=rate(http_requests_total{status=~"5.."}[5m])' \
  | jq '.data.result[0].value[1]' -r)
echo "Baseline error rate: $BASELINE_ERROR_RATE%"

# Backup current state
./scripts/deployment/pre-deploy-check.sh
