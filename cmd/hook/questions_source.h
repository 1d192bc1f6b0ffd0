/* questions_source.h -- the text of questions.py, ended by NUL; the build makes it from the file. */
#ifndef HELDBY_HOOK_QUESTIONS_SOURCE_H
#define HELDBY_HOOK_QUESTIONS_SOURCE_H

extern const char questions_source[];

#endif
