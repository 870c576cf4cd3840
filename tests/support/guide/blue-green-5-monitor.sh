# Continuous monitoring for 15 minutes
for i in {1..15}; do
  echo "Minute $i of 15..."

  # Check error rate
  ERROR_RATE=$(curl -s http://localhost:9090/api/v1/query \
    --data-urlencode 'query=rate(http_requests_total{status=~"5.."}[1m])' \
    | jq '.data.result[0].value[1]' -r)

  # Check response time
  RESPONSE_TIME=$(curl -s http://localhost:9090/api/v1/query \
    --data-urlencode 'query=histogram_quantile(0.95, rate(http_request_duration_seconds_bucket[5m]))' \
    | jq '.data.result[0].value[1]' -r)

  echo "  Error rate: ${ERROR_RATE}%"
  echo "  Response time (p95): ${RESPONSE_TIME}s"

  # Alert if threshold exceeded
  if (( $(echo "$ERROR_RATE > 1" | bc -l) )); then
    echo "âš ï¸  ERROR RATE ELEVATED"
    # Rollback if critical
    if (( $(echo "$ERROR_RATE > 5" | bc -l) )); then
      echo "Rolling back..."
      docker-compose -f docker-compose.prod.yml \
        exec nginx nginx -s reload
      exit 1
    fi
  fi

  sleep 60
done

echo "✓ Monitoring period complete - green environment stable"
