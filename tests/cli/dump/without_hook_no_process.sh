heldby dump --no-hook 4194305
