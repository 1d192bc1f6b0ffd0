heldby cycles fan.held
