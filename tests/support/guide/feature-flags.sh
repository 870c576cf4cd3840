#!/bin/bash
# Deploy with feature flags

# 1. Deploy code with feature disabled
docker-compose -f docker-compose.prod.yml up -d backend

# 2. Enable feature flag progressively
echo "Enabling feature flag: new_payment_system"

# Phase 1: 10% of users
curl -X POST http://localhost:8000/admin/feature-flags/ \
  -H "Authorization: Bearer $ADMIN_TOKEN" \
  -d '{
    "flag": "new_payment_system",
    "enabled_for": "10%",
    "config": {"payment_provider": "new_system"}
  }'

# Monitor
sleep 300

# Phase 2: 50% of users
curl -X POST http://localhost:8000/admin/feature-flags/ \
  -H "Authorization: Bearer $ADMIN_TOKEN" \
  -d '{
    "flag": "new_payment_system",
    "enabled_for": "50%"
  }'

# Monitor
sleep 300

# Phase 3: 100% of users
curl -X POST http://localhost:8000/admin/feature-flags/ \
  -H "Authorization: Bearer $ADMIN_TOKEN" \
  -d '{
    "flag": "new_payment_system",
    "enabled_for": "100%"
  }'

echo "✓ Feature flag fully enabled"
