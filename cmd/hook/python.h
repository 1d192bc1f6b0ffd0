/* python.h -- the functions of the program's Python that the hook calls, looked up once with dlsym.
 *
 * Nothing here is linked: a process without Python leaves every member NULL. Objects are opaque `void *`. The
 * layouts of PyModuleDef, PyMethodDef and PyMemAllocatorEx below are part of CPython's stable interfaces, 3.8
 * to 3.14.
 */
#ifndef HELDBY_HOOK_PYTHON_H
#define HELDBY_HOOK_PYTHON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct py_method {
    const char *name;
    void *(*function)(void *self, void *arguments);
    int flags;
    const char *doc;
};
enum { PY_VARARGS = 1, PY_VARARGS_KEYWORDS = 3, PY_NOARGS = 4, PY_API_VERSION = 3, PY_FILE_INPUT = 257 };

struct py_module_def {
    intptr_t refcount;
    void *type, *init;
    intptr_t index;
    void *copy;
    const char *name, *doc;
    intptr_t size;
    struct py_method *methods;
    void *slots, *traverse, *clear, *free;
};

struct py_allocator {
    void *context;
    void *(*malloc)(void *context, size_t size);
    void *(*calloc)(void *context, size_t count, size_t size);
    void *(*realloc)(void *context, void *old, size_t size);
    void (*free)(void *context, void *old);
};
enum { PY_DOMAIN_RAW = 0, PY_DOMAIN_MEM = 1, PY_DOMAIN_OBJ = 2 };

struct python {
    int (*is_initialized)(void);
    int (*gil_ensure)(void);
    void (*gil_release)(int state);
    void *(*this_thread_state)(void); /* PyGILState_GetThisThreadState */
    void *(*current_state)(void);     /* _PyThreadState_UncheckedGet: of whoever holds the GIL */
    void *(*save_thread)(void);
    void (*restore_thread)(void *state);
    int (*add_pending_call)(int (*function)(void *), void *argument);
    void *(*module_create)(struct py_module_def *def, int api_version);
    int (*parse_tuple_and_keywords)(void *arguments, void *keywords, const char *format, char **names, ...);
    int (*fs_converter)(void *object, void *ret_bytes);
    char *(*bytes_as_string)(void *object);
    void *(*decode_fs_default)(const char *text);
    void *(*build_value)(const char *format, ...);
    void *(*bool_from_long)(long value);
    void *(*function_new)(struct py_method *method, void *self, void *module); /* PyCFunction_NewEx */
    void *(*import_module)(const char *name);
    int (*parse_tuple)(void *arguments, const char *format, ...);
    ssize_t (*bytes_size)(void *object);
    void *(*list_get)(void *list, ssize_t index); /* borrowed, as are the next two */
    void *(*dict_get)(void *dict, const char *name);
    void *(*dict_new)(void);
    int (*dict_set)(void *dict, const char *name, void *value);
    int (*dict_next)(void *dict, ssize_t *position, void **key, void **value);
    void *(*compile)(const char *source, const char *file, int start);
    void *(*eval_code)(void *code, void *globals, void *locals);
    void *(*call_function)(void *callable, const char *format, ...);
    int (*check_signals)(void);
    void *(*call_method)(void *object, const char *name, const char *format, ...);
    void *(*get_attribute)(void *object, const char *name);
    void (*incref)(void *object);
    void (*decref)(void *object);
    void (*error_set_string)(void *type, const char *text);
    void (*error_set_object)(void *type, void *value);
    void (*error_clear)(void);
    void *(*error_occurred)(void);
    void (*error_fetch)(void **type, void **value, void **traceback);
    void (*error_restore)(void *type, void *value, void *traceback);
    void (*get_allocator)(int domain, struct py_allocator *ret);
    void (*set_allocator)(int domain, struct py_allocator *allocator);
    void **runtime_error, **os_error, **import_error; /* PyExc_...: pointers to the objects */
    void *none;                                       /* &_Py_NoneStruct */
    void *function_type, *code_type, *member_type, *getset_type, *property_type, *int_type, *float_type,
        *bytes_type, *bool_type;
};

void python_find(struct python *ret);
/* True if Python runs and the calling thread holds the GIL. */
bool python_gil_is_ours(const struct python *python);

#endif
