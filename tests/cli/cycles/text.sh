heldby cycles cycles.held
