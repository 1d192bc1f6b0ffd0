heldby referrers hostile.held --type 'evil*' --format dot
