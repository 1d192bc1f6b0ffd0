heldby retained cycles.held 0x7f0000013400
