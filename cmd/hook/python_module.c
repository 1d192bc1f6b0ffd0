/* python_module.c -- libheldby.so as the Python module `heldby`: PyInit_heldby and its functions.
 *
 * Everything of Python is called through pointers, so one file serves all versions. Importing arms the hook.
 */
#include "cmd/hook/hook.h"
#include "cmd/hook/objects.h"
#include "cmd/hook/setup.h"
#include "cmd/hook/snapshot.h"
#include "cmd/hook/text.h"
#include "cmd/hook/twin.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define HOOK_EXPORT __attribute__((visibility("default")))
HOOK_EXPORT void *PyInit_heldby(void);

static char problem[240]; /* why the hook could not be armed */

static void *none(void)
{
    hook.python.incref(hook.python.none);
    return hook.python.none;
}

static bool is_armed(void)
{
    return atomic_load(&hook.armed) && getpid() == hook.pid;
}

static void *fail_unarmed(void)
{
    char line[300];
    struct text t = text_over(line, sizeof line);
    text_put(&t, "heldby is not armed");
    text_put(&t, problem[0] ? ": " : "");
    text_put(&t, problem);
    hook.python.error_set_string(*hook.python.runtime_error, line);
    return NULL;
}

static void *fail_os(int error, const char *message)
{
    void *arguments = hook.python.build_value("(is)", error, message);
    if (arguments) {
        hook.python.error_set_object(*hook.python.os_error, arguments);
        hook.python.decref(arguments);
    }
    return NULL;
}

/* The module, its functions and what the import system hung on it: not part of the program's heap. */
static void remember_objects(void *module)
{
    static const char *const names[] = {"__dict__", "__spec__", "__loader__", "snapshot", "arm", "armed"};
    if (!module)
        return;
    hook_object_add(module);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        void *object = hook.python.get_attribute(module, names[i]);
        if (object) {
            hook_object_add(object);
            hook.python.decref(object);
        } else {
            hook.python.error_clear();
        }
    }
}

/* Bytes object with the file system's spelling of a str, bytes or PathLike; NULL with an exception. */
static void *encoded(void *path)
{
    void *bytes = NULL;
    return hook.python.fs_converter(path, &bytes) ? bytes : NULL;
}

static void *snapshot(void *module, void *arguments, void *keywords)
{
    static char path_name[] = "path", wait_name[] = "wait";
    char *names[] = {path_name, wait_name, NULL};
    const struct python *python = &hook.python;
    void *path = NULL, *bytes = NULL;
    int wait = 1;
    if (!python->parse_tuple_and_keywords(arguments, keywords, "|Op:snapshot", names, &path, &wait))
        return NULL;
    if (!is_armed())
        return fail_unarmed();
    remember_objects(module);
    char whole[SETTINGS_PATH];
    if (path && path != python->none) {
        bytes = encoded(path);
        if (!bytes)
            return NULL;
        bool fits = snapshot_absolute_path(python->bytes_as_string(bytes), whole);
        python->decref(bytes);
        if (!fits)
            return fail_os(ENAMETOOLONG, "the path is too long");
    }
    struct capture_result result;
    if (snapshot_holding_gil("api", bytes ? whole : NULL, wait != 0, &result) != 0)
        return fail_os(result.error, result.message);
    return python->decode_fs_default(result.path);
}

static void *arm(void *module, void *arguments)
{
    (void)module;
    (void)arguments;
    if (!hook_arm(problem, sizeof problem))
        return fail_unarmed();
    return none();
}

static void *armed(void *module, void *arguments)
{
    (void)module;
    (void)arguments;
    return hook.python.bool_from_long(is_armed());
}

static struct py_method methods[] = {
    {"snapshot", (void *(*)(void *, void *))(void (*)(void))snapshot, PY_VARARGS_KEYWORDS,
     "snapshot(path=None, wait=True)\n--\n\n"
     "Write who holds what in this process to a file and return its path.\n\n"
     "path: the file to write, replaced if it exists; None: HELDBY_DIR/NAME.PID.N.held.\n"
     "wait: False returns right after the fork; the file appears under its name when it is whole.\n"
     "Raises OSError if there is no snapshot, RuntimeError if the hook is not armed."},
    {"arm", arm, PY_NOARGS,
     "arm()\n--\n\nArm the hook, as importing it did unless HELDBY_OFF=1 was set. Raises RuntimeError if it "
     "cannot be."},
    {"armed", armed, PY_NOARGS,
     "armed()\n--\n\nTrue if this process answers the trigger signal and `heldby dump`."},
    {NULL, NULL, 0, NULL},
};

static struct py_module_def definition = {
    .refcount = 1,
    .name = "heldby",
    .doc = "Snapshots of this process: every object, and who holds it. Analyse them with the heldby command.",
    .size = -1,
    .methods = methods,
};

void *PyInit_heldby(void)
{
    void *(*other)(void);
    void *found = twin_symbol("PyInit_heldby");
    memcpy(&other, &found, sizeof other);
    if (other)
        return other();
    struct python python;
    python_find(&python);
    struct cpython_runtime runtime;
    enum cpython_verdict verdict = cpython_runtime_find(&runtime);
    if (!python.module_create || !python.error_set_string || !python.import_error)
        return NULL;
    if (verdict != CPYTHON_FOUND) { /* no object is made where their layout is not known */
        python.error_set_string(*python.import_error, runtime.problem);
        return NULL;
    }
    if (!is_armed()) {
        hook.python = python;
        if (hook_arm(problem, sizeof problem))
            setup_now();
    }
    void *module = hook.python.module_create(&definition, PY_API_VERSION);
    remember_objects(module);
    return module;
}
