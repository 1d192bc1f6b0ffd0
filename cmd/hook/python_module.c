/* python_module.c -- libheldby.so as the Python module `heldby`: PyInit_heldby and its functions.
 *
 * Everything of Python is called through pointers, so one file serves all versions. Importing arms the hook.
 */
#include "cmd/hook/hook.h"
#include "cmd/hook/objects.h"
#include "cmd/hook/question.h"
#include "cmd/hook/setup.h"
#include "cmd/hook/snapshot.h"
#include "cmd/hook/text.h"
#include "cmd/hook/twin.h"
#include "formats/cpython/cpython_layout.h"

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

static void remember_objects(void *module);

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
    int call = hook_call_begin(arguments, keywords);
    int error = snapshot_holding_gil("api", bytes ? whole : NULL, wait != 0, &result);
    hook_call_end(call);
    if (error)
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

static void *ask_about(const char *command, void *module, void *arguments, void *keywords)
{
    if (!is_armed())
        return fail_unarmed();
    remember_objects(module);
    return question_ask(command, arguments, keywords);
}

#define QUESTION(name, command)                                                                              \
    static void *name(void *module, void *arguments, void *keywords)                                         \
    {                                                                                                        \
        return ask_about(command, module, arguments, keywords);                                              \
    }
QUESTION(referrers, "referrers")
QUESTION(referents, "referents")
QUESTION(path, "path")
QUESTION(show, "show")
QUESTION(histogram, "histogram")
QUESTION(growth, "growth")
QUESTION(ask, NULL)

#define ANSWER                                                                                               \
    "\nTakes a snapshot of this process and asks the heldby command. The answer prints as its text, and\n"   \
    "has what --json says as .data. Neither this call nor what is passed to it is part of the answer."
#define METHOD(name) #name, (void *(*)(void *, void *))(void (*)(void))name, PY_VARARGS_KEYWORDS

static struct py_method methods[] = {
    {METHOD(snapshot),
     "snapshot(path=None, wait=True)\n--\n\n"
     "Write who holds what in this process to a file and return its path.\n\n"
     "path: the file to write, replaced if it exists; None: HELDBY_DIR/NAME.PID.N.held.\n"
     "wait: False returns right after the fork; the file appears under its name when it is whole.\n"
     "Raises OSError if there is no snapshot, RuntimeError if the hook is not armed."},
    {METHOD(referrers),
     "referrers(target, *more, depth=None, limit=None, exclude=None, group=True, type=None, "
     "format='tree')\n--\n\n"
     "What holds target: a tree of named references up to the roots.\n\n"
     "target: any object, also a str or int; or a list of objects, made for the call or merely collecting "
     "what others\n"
     "hold too. [the_list] asks about a list itself. type='app.Session' asks about all objects of a type.\n"
     "exclude: leaves out these holders: a type, a pattern of type names, an object, or a list of them.\n"
     "group=False: a line for each holder, however alike. format: tree, dot, graphml.\n" ANSWER},
    {METHOD(referents), "referents(target, *, depth=None, limit=None)\n--\n\nWhat target holds, each "
                        "reference by its name.\n" ANSWER},
    {METHOD(path),
     "path(target, *, all=False, max=None, avoid=None, start=None, type=None)\n--\n\n"
     "Why target is alive: the shortest chain of references from a root to it.\n\n"
     "avoid: no path through these types or objects. start: an object to start from, in place of the roots.\n"
     "type='app.Session': the paths of all objects of a type, merged.\n" ANSWER},
    {METHOD(show), "show(target)\n--\n\nEverything about one object: sizes, refcount, value, what it holds, "
                   "what holds it.\n" ANSWER},
    {METHOD(histogram), "histogram(*, by='type', sort=None, filter=None, limit=None)\n--\n\n"
                        "Which types there are, how many objects of each, how large.\n" ANSWER},
    {METHOD(growth), "growth(*, by='type', limit=None)\n--\n\n"
                     "What has grown since the last call. The first call sets the base.\n\n"
                     "The base is a temporary file, removed at exit; nothing is kept in the heap.\n" ANSWER},
    {METHOD(ask),
     "ask(command, *targets, **options)\n--\n\n"
     "Any other question of the command line: heldby.ask('retained', obj), heldby.ask('cycles').\n\n"
     "Options are those of `heldby COMMAND --help`: min_size='1M' is --min-size 1M, all=True is "
     "--all.\n" ANSWER},
    {"arm", arm, PY_NOARGS,
     "arm()\n--\n\nArm the hook, as importing it did unless HELDBY_OFF=1 was set. Raises RuntimeError if it "
     "cannot be."},
    {"armed", armed, PY_NOARGS,
     "armed()\n--\n\nTrue if this process answers the trigger signal and `heldby dump`."},
    {NULL, NULL, 0, NULL},
};

/* Somebody may have put a function of their own in the place of ours. */
static bool is_own_function(const void *object)
{
    enum { M_ML = 16 }; /* PyCFunctionObject's PyMethodDef */
    const char *type;
    size_t size;
    memcpy(&type, (const char *)object + OB_TYPE, sizeof type);
    memcpy(&size, type + TP_BASICSIZE, sizeof size);
    uintptr_t method = 0;
    if (size >= M_ML + sizeof method)
        memcpy(&method, (const char *)object + M_ML, sizeof method);
    return method - (uintptr_t)methods < sizeof methods;
}

/* The module, its functions and what the import system hung on it: not part of the program's heap. */
static void remember_objects(void *module)
{
    static const char *const names[] = {"__dict__", "__loader__", "__spec__"};
    enum { NAMES = sizeof names / sizeof *names, METHODS = sizeof methods / sizeof *methods - 1 };
    if (!module)
        return;
    hook_objects_begin();
    hook_object_add(module);
    for (size_t i = 0; i < NAMES + METHODS; i++) {
        void *object = hook.python.get_attribute(module, i < NAMES ? names[i] : methods[i - NAMES].name);
        if (object) {
            if (i == 0)
                hook_object_add(object);
            else if (i < NAMES)
                hook_object_add_instance(object);
            else if (is_own_function(object))
                hook_function_add(object);
            hook.python.decref(object);
        } else {
            hook.python.error_clear();
        }
    }
}

static struct py_module_def definition = {
    .refcount = 1,
    .name = "heldby",
    .doc = "Who holds this memory? Snapshots of this process, and answers from them.\n\n"
           "    heldby.referrers(obj)   what holds it\n"
           "    heldby.path(obj)        why it is alive\n"
           "    heldby.growth()         what has grown since the last call\n"
           "    heldby.snapshot(path)   writes a file for the heldby command, to be read anywhere\n\n"
           "The questions ask the heldby command: the one that HELDBY_CLI names, else ../bin/heldby beside "
           "this\n"
           "library, else the one in PATH.",
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
