heldby dump
