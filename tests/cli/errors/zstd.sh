printf '\x28\xb5\x2f\xfd and so on' >core.zst
heldby path core.zst @1
