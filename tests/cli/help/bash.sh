heldby help --completion bash >completion.bash && bash -n completion.bash
. ./completion.bash
COMP_WORDS=(heldby gr) COMP_CWORD=1; _heldby; echo "${COMPREPLY[@]}"
COMP_WORDS=(heldby histogram --s) COMP_CWORD=2; _heldby; echo "${COMPREPLY[@]}"
COMP_WORDS=(heldby histogram --by '') COMP_CWORD=3; _heldby; echo "${COMPREPLY[@]}"
COMP_WORDS=(heldby info app.1) COMP_CWORD=2; _heldby; echo "${COMPREPLY[@]}"
