// C++ classes of all kinds on the heap; prints `COUNT NAME` for each class that can be told by its vtable, then
// waits for a line and dies by SIGABRT.
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <unistd.h>
#include <vector>

namespace shop {
struct Item {
    virtual ~Item() = default;
    virtual long price() const = 0;
};
struct Book : Item {
    long pages = 3;
    std::string title = "a title that is long enough to be on the heap";
    long price() const override { return pages; }
};
template <class T> struct Box : Item {
    T content{};
    long price() const override { return static_cast<long>(sizeof content); }
};
struct Named {
    virtual ~Named() = default;
    virtual const char *name() const { return "named"; }
    int number = 1;
};
struct Plain { // no virtual functions, and first among the bases
    long a = 1, b = 2;
};
struct Both : Plain, Item, Named { // two vtables; the object begins with that of Item
    long c = 3;
    long price() const override { return c; }
    const char *name() const override { return "both"; }
};
struct Far : virtual Item, virtual Named {
    long price() const override { return 9; }
};
} // namespace shop

namespace {
struct Hidden : shop::Item {
    long secret[5] = {};
    long price() const override { return secret[0]; }
};
} // namespace

std::vector<shop::Item *> g_items;
std::vector<shop::Named *> g_named; // pointers to the second base: into the objects
std::map<std::string, std::shared_ptr<shop::Book>> g_shared;
std::vector<std::unique_ptr<shop::Box<double>>> g_boxes;
std::vector<shop::Item *> g_arrays; // new T[n]
struct Counted { // a count and a pointer into a module, and no array
    long count;
    void *vtable;
    long more[3];
};
Counted *g_counted;

static void lose(void *volatile object)
{
    object = nullptr;
    static_cast<void>(object);
}

int main(int argc, char **argv)
{
    int n = argc > 1 ? std::atoi(argv[1]) : 1000;
    for (int i = 0; i < n; i++) {
        g_items.push_back(new shop::Book);
        g_items.push_back(new Hidden);
        if (i % 2 == 0)
            g_items.push_back(new shop::Box<int[7]>);
        if (i % 4 == 0)
            g_named.push_back(new shop::Both);
        if (i % 5 == 0)
            g_items.push_back(new shop::Far);
        if (i % 10 == 0) {
            g_shared["a key of the map that is long " + std::to_string(i)] = std::make_shared<shop::Book>();
            g_boxes.push_back(std::make_unique<shop::Box<double>>());
        }
        if (i % 20 == 0)
            g_arrays.push_back(new Hidden[static_cast<size_t>(2 + i % 7)]);
        if (i % 100 == 0)
            lose(new shop::Box<char>);
    }
    g_counted = new Counted{3, *reinterpret_cast<void **>(g_items[0]), {1, 2, 3}};
    auto every = [n](int k) { return (n + k - 1) / k; };
    std::printf("%d shop::Book\n%d (anonymous namespace)::Hidden\n%d shop::Box<int [7]>\n", n, n, every(2));
    std::printf("%d shop::Both\n%d shop::Far\n%d shop::Box<double>\n%d shop::Box<char>\n", every(4), every(5), every(10),
                every(100));
    std::printf("%d std::_Sp_counted_ptr_inplace<shop::Book\n", every(10));
    std::printf("%d (anonymous namespace)::Hidden[]\n", every(20));
    std::printf("ready\n");
    std::fflush(stdout);
    char line[16];
    if (read(0, line, sizeof line) < 0)
        return 1;
    std::abort();
}
