# Wait for services to stabilize
sleep 30

# Run health checks on green
curl http://localhost:8081/api/health/ | jq .

# Run smoke tests against green
for endpoint in \
  "http://localhost:8081/api/health/" \
  "http://localhost:8081/api/auth/login/" \
  "http://localhost:8081/api/materials/"; do
  echo "Testing: $endpoint"
  curl -sf "$endpoint" > /dev/null && echo "✓ PASS" || echo "✗ FAIL"
done

# Run comprehensive verification
./scripts/deployment/verify-deployment.sh --env green

# Monitor error rates for 5 minutes
for i in {1..30}; do
  ERROR_RATE=$(curl -s http://localhost:9090/api/v1/query \
    --data-urlencode 'query=rate(http_requests_total{status=~"5.."}[1m])' \
    | jq '.data.result[0].value[1]' -r)
  echo "[$((i*10))s] Green error rate: ${ERROR_RATE}%"

  if (( $(echo "$ERROR_RATE > 5" | bc -l) )); then
    echo "ERROR: Error rate exceeded threshold!"
    # Keep blue running and stop green
    docker-compose -f docker-compose.prod-green.yml down
    exit 1
  fi

  sleep 10
done
