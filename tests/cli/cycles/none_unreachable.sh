heldby cycles --unreachable fan.held
