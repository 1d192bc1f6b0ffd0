heldby unreachable fan.held
