/* A program that looks to the hook like a CPython it does not support: it says the version that it is told,
 * and ends at a line of input or a signal. With STAND_IN_DEBUG it exports what only a debug build has. */
#include <stdio.h>
#include <stdlib.h>

const char *Py_GetVersion(void);
int Py_IsInitialized(void);

const char *Py_GetVersion(void)
{
    const char *version = getenv("STAND_IN_VERSION");
    return version != NULL ? version : "3.11.2 (main)";
}

int Py_IsInitialized(void)
{
    return 1;
}

#ifdef STAND_IN_DEBUG
void _Py_NegativeRefcount(const char *file, int line, void *object);
void _Py_NegativeRefcount(const char *file, int line, void *object)
{
    (void)file, (void)line, (void)object;
}
#endif

int main(void)
{
    puts("ready");
    fflush(stdout);
    (void)getchar();
    return 0;
}
