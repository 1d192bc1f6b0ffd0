heldby info "$(command -v bash)" 2>&1 | sed 's|/[^:]*/bash|BASH|'
