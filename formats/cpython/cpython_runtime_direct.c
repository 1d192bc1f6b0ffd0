/* Recognising the CPython of this process. */
#include "formats/cpython/cpython_runtime.h"

#include <dlfcn.h>
#include <string.h>

static void *find(const char *name)
{
    return dlsym(RTLD_DEFAULT, name);
}

static uint64_t address(const char *name)
{
    return (uint64_t)(uintptr_t)find(name);
}

enum cpython_verdict cpython_runtime_find(struct cpython_runtime *ret)
{
    static struct cpython_layout layout;
    *ret = (struct cpython_runtime){0};
    const char *(*get_version)(void);
    void *symbol = find("Py_GetVersion");
    memcpy(&get_version, &symbol, sizeof(symbol)); /* POSIX's way from dlsym to a function */
    if (symbol == NULL) {
        cpython_say(ret, "no CPython in this process", "", "");
        return CPYTHON_ABSENT;
    }
    const char *text = get_version();
    for (size_t i = 0; text[i] != '\0' && i < sizeof(ret->version) - 1; i++)
        ret->version[i] = text[i];
    ret->hex = cpython_version_hex(ret->version);
    if (ret->hex < 0x03080000) {
        cpython_say(ret, "CPython ", ret->version, " is older than 3.8: not supported");
        return CPYTHON_TOO_OLD;
    }
    if (strstr(ret->version, "free-threading") != NULL || find("_Py_MergeZeroLocalRefcount") != NULL) {
        cpython_say(ret, "CPython ", ret->version, " is a free-threaded build: not supported");
        return CPYTHON_FREE_THREADED;
    }
    if (find("_Py_NegativeRefcount") != NULL || find("_Py_RefTotal") != NULL) {
        cpython_say(ret, "CPython ", ret->version, " is a debug build: not supported");
        return CPYTHON_DEBUG_BUILD;
    }
    const struct cpython_layout *known =
        ret->hex >> 24 == 3 ? cpython_layout_find(ret->hex >> 16 & 0xff) : NULL;
    if (known == NULL) {
        cpython_say(ret, "CPython ", ret->version, " has no layout in this version of heldby: not supported");
        return CPYTHON_UNKNOWN;
    }
    ret->runtime = address("_PyRuntime");
    ret->type_type = address("PyType_Type");
    ret->list_type = address("PyList_Type");
    ret->dict_type = address("PyDict_Type");
    ret->tuple_type = address("PyTuple_Type");
    ret->set_type = address("PySet_Type");
    ret->frozenset_type = address("PyFrozenSet_Type");
    ret->str_type = address("PyUnicode_Type");
    ret->none = address("_Py_NoneStruct");
    if (ret->runtime == 0 || ret->type_type == 0 || ret->list_type == 0 || ret->dict_type == 0 ||
        ret->tuple_type == 0 || ret->str_type == 0) {
        cpython_say(ret, "CPython ", ret->version,
                    " does not export _PyRuntime and its types: not supported");
        return CPYTHON_MISMATCH;
    }
    layout = *known;
    if (layout.minor >= 13)
        cpython_self_described(&layout, ret->runtime);
    ret->layout = &layout;
    return CPYTHON_FOUND;
}

void cpython_api_find(struct cpython_api *ret)
{
    void *initialized = find("Py_IsInitialized"), *ensure = find("PyGILState_Ensure"),
         *release = find("PyGILState_Release");
    memcpy(&ret->is_initialized, &initialized, sizeof(void *));
    memcpy(&ret->gil_ensure, &ensure, sizeof(void *));
    memcpy(&ret->gil_release, &release, sizeof(void *));
    ret->complete = initialized != NULL && ensure != NULL && release != NULL;
}
