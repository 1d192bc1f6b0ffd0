heldby dump 1 --timeout soon
