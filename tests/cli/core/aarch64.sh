heldby info aarch64.core
