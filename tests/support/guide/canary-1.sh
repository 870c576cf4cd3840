#!/bin/bash

# Start canary instances (5% of total)
docker-compose -f docker-compose.prod.yml up -d backend-canary-1

# Configure load balancer for 5% traffic
# using weighted upstream in nginx
cat > nginx-canary-5.conf << 'EOF'
upstream backend {
  server thebot-backend:8000 weight=95;
  server thebot-backend-canary-1:8000 weight=5;
}
EOF

docker cp nginx-canary-5.conf thebot-nginx-prod:/etc/nginx/conf.d/backend.conf
docker exec thebot-nginx-prod nginx -s reload

echo "Canary Phase 1 started: 5% traffic"

# Monitor for 10 minutes
for i in {1..10}; do
  echo "Minute $i: Monitoring canary instances..."

  # Error rate specifically from canary
  CANARY_ERRORS=$(curl -s http://localhost:9090/api/v1/query \
    --data-urlencode 'query=rate(http_requests_total{pod=~".*canary.*",status=~"5.."}[1m])' \
    | jq '.data.result[0].value[1]' -r)

  echo "  Canary error rate: ${CANARY_ERRORS}%"

  # Check for exceptions in canary logs
  CANARY_EXCEPTIONS=$(docker logs --tail 100 thebot-backend-canary-1 | \
    grep -i "error\|exception" | wc -l)

  echo "  Exceptions in logs: $CANARY_EXCEPTIONS"

  # Abort if canary error rate > 5%
  if (( $(echo "$CANARY_ERRORS > 5" | bc -l) )); then
    echo "âš ï¸  CANARY ERROR RATE EXCEEDED"
    docker stop thebot-backend-canary-1
    docker rm thebot-backend-canary-1

    # Restore 0% canary traffic
    cat > nginx-no-canary.conf << 'EOF'
upstream backend {
  server thebot-backend:8000;
}
EOF
    docker cp nginx-no-canary.conf thebot-nginx-prod:/etc/nginx/conf.d/backend.conf
    docker exec thebot-nginx-prod nginx -s reload

    exit 1
  fi

  sleep 60
done

echo "✓ Canary Phase 1 successful"
