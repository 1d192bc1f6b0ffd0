for command in find path referrers histogram; do heldby $command shop.1.held --type Session; echo $?; done
