#!/bin/bash
# Rolling update with 1-instance-at-a-time strategy

TOTAL_INSTANCES=3
BATCH_SIZE=1

echo "Rolling update deployment"
echo "Total instances: $TOTAL_INSTANCES"
echo "Batch size: $BATCH_SIZE"

for ((i=1; i<=TOTAL_INSTANCES; i+=BATCH_SIZE)); do
  END=$((i + BATCH_SIZE - 1))
  if [ $END -gt $TOTAL_INSTANCES ]; then
    END=$TOTAL_INSTANCES
  fi

  for instance in $(seq $i $END); do
    echo ""
    echo "Updating instance $instance..."

    # Remove from load balancer
    echo "  1. Removing from load balancer"
    curl -X POST http://load-balancer:8080/remove_backend \
      -d "backend=instance-$instance"

    # Drain existing connections (timeout for graceful shutdown)
    echo "  2. Draining connections"
    sleep 10

    # Kill old container
    echo "  3. Stopping old instance"
    docker-compose -f docker-compose.prod.yml \
      stop backend-$instance

    # Pull new image
    echo "  4. Pulling new image"
    docker-compose -f docker-compose.prod.yml \
      pull backend-$instance

    # Start new instance
    echo "  5. Starting new instance"
    docker-compose -f docker-compose.prod.yml \
      up -d --no-deps backend-$instance

    # Wait for health check
    echo "  6. Waiting for health check"
    HEALTH_RETRIES=30
    while [ $HEALTH_RETRIES -gt 0 ]; do
      if curl -sf http://instance-$instance:8000/health/ &>/dev/null; then
        break
      fi
      HEALTH_RETRIES=$((HEALTH_RETRIES - 1))
      sleep 1
    done

    if [ $HEALTH_RETRIES -eq 0 ]; then
      echo "  ✗ Health check failed"
      exit 1
    fi

    # Add back to load balancer
    echo "  7. Adding back to load balancer"
    curl -X POST http://load-balancer:8080/add_backend \
      -d "backend=instance-$instance"

    echo "  ✓ Instance $instance updated"
  done

  # Verify batch is healthy before continuing
  echo ""
  echo "Verifying batch..."
  ./scripts/deployment/verify-deployment.sh || exit 1
done

echo ""
echo "✓ Rolling update complete"
