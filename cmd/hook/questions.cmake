# Turns questions.py into a C text. Usage: cmake -DSOURCE=questions.py -DOUT=questions_source.c -P questions.cmake
file(READ ${SOURCE} hex HEX)
string(REGEX REPLACE "(................................)" "\\1\n    " hex "${hex}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${hex}")
file(WRITE ${OUT} "/* Made from questions.py by questions.cmake. */\n#include \"cmd/hook/questions_source.h\"\n\nconst char questions_source[] = {\n    ${bytes} 0};\n")
