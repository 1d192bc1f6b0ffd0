/* An extension module whose objects keep native memory in every place that C code has for it, and one
 * function that loses some. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdlib.h>
#include <string.h>

enum { BEFORE = 8 }; /* bytes in front of what is kept: a pointer into the block */

struct node { /* in native memory, and holds an object */
    struct node *next;
    PyObject *held;
    void *buffer;
};

static void *block(size_t size)
{
    return memset(malloc(size), 0, size);
}

static char *block_inside(size_t size)
{
    return (char *)block(size) + BEFORE;
}

static struct node *node(PyObject *held)
{
    struct node *n = block(sizeof *n);
    Py_INCREF(held);
    n->held = held;
    n->buffer = block(700);
    return n;
}

struct holder {
    PyObject_HEAD struct node *exact;
    char *inside;
    PyObject *unused;
};

static PyObject *holder_new(PyTypeObject *type, PyObject *arguments, PyObject *names)
{
    (void)arguments, (void)names;
    struct holder *h = (struct holder *)type->tp_alloc(type, 0);
    PyObject *list = PyList_New(0);
    h->exact = node(list);
    h->inside = block_inside(1200);
    Py_DECREF(list);
    return (PyObject *)h;
}

static int holder_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(((struct holder *)self)->unused);
    return 0;
}

static PyTypeObject holder_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "keeps.Holder", .tp_basicsize = sizeof(struct holder),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, .tp_new = holder_new};
static PyTypeObject tracked_type = {PyVarObject_HEAD_INIT(NULL, 0).tp_name = "keeps.Tracked",
                                    .tp_basicsize = sizeof(struct holder),
                                    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
                                    .tp_traverse = holder_traverse, .tp_new = holder_new};

struct table { /* a dict, and more */
    PyDictObject dict;
    char *exact, *inside;
};

static int table_init(PyObject *self, PyObject *arguments, PyObject *names)
{
    ((struct table *)self)->exact = block(300);
    ((struct table *)self)->inside = block_inside(400);
    return PyDict_Type.tp_init(self, arguments, names);
}

static PyTypeObject table_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "keeps.Table", .tp_basicsize = sizeof(struct table),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, .tp_init = table_init};

struct class
{ /* of classes: a type, and more */
    PyHeapTypeObject type;
    struct node *exact;
    char *inside;
};

static int class_init(PyObject *self, PyObject *arguments, PyObject *names)
{
    PyObject *list = PyList_New(0);
    ((struct class *)self)->exact = node(list);
    ((struct class *)self)->inside = block_inside(464);
    Py_DECREF(list);
    return PyType_Type.tp_init(self, arguments, names);
}

static PyTypeObject class_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "keeps.Class", .tp_basicsize = sizeof(struct class),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, .tp_init = class_init};

struct state { /* of the module */
    char *exact, *inside;
};

static struct node *volatile last;

/* Nothing leads to the node any more. */
static PyObject *lose(PyObject *module, PyObject *object)
{
    (void)module;
    last = node(object);
    last = NULL;
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {{"lose", lose, METH_O, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "keeps", NULL, sizeof(struct state), methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_keeps(void)
{
    struct {
        const char *name;
        PyTypeObject *type, *base;
    } types[] = {{"Holder", &holder_type, NULL},
                 {"Tracked", &tracked_type, NULL},
                 {"Table", &table_type, &PyDict_Type},
                 {"Class", &class_type, &PyType_Type}};
    PyObject *module = PyModule_Create(&definition);
    if (module == NULL)
        return NULL;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        types[i].type->tp_base = types[i].base;
        if (PyType_Ready(types[i].type) < 0)
            return NULL;
        Py_INCREF(types[i].type);
        PyModule_AddObject(module, types[i].name, (PyObject *)types[i].type);
    }
    struct state *s = PyModule_GetState(module);
    s->exact = block(80);
    s->inside = block_inside(320);
    return module;
}
