heldby cycles --unreachable --limit 2 cycles.held
