"""Many kinds of objects, threads, generators and tasks; says `ready` and waits."""
import sys, os, time, threading, asyncio, json, re, collections, functools, datetime, decimal, itertools, weakref, queue, contextvars, types, io, array, struct, enum, dataclasses, typing, logging, random, fractions, pathlib, tempfile, subprocess, socket, select, email.message, xml.etree.ElementTree as ET, pickle
class Node:
    def __init__(self, n): self.n=n; self.next=None; self.data=[n]*3
class Slotted:
    __slots__=('a','b')
    def __init__(self): self.a=[1]; self.b={'x':2}
class D(dict): pass
class L(list): pass
class T(tuple): pass
class S(set): pass
class St(str): pass
class I(int): pass
@dataclasses.dataclass
class Point: x:int; y:object
class Color(enum.Enum): RED=1; BLUE=2
nt=collections.namedtuple('nt','a b')
keep={}
keep['nodes']=[Node(i) for i in range(3000)]
for a,b in zip(keep['nodes'],keep['nodes'][1:]): a.next=b
keep['slots']=[Slotted() for i in range(500)]
keep['d']=[D(a=i) for i in range(100)]; keep['l']=[L([i]) for i in range(100)]; keep['t']=[T((i,'z%d'%i)) for i in range(100)]
keep['s']=[S({i,str(i)}) for i in range(100)]; keep['st']=[St('abc%d'%i) for i in range(100)]; keep['i']=[I(i+10**9) for i in range(100)]
for o in keep['st']: o.attr=[1,2]
keep['p']=[Point(i,{'k':i}) for i in range(200)]; keep['nt']=[nt(i,[i]) for i in range(100)]
keep['od']=[collections.OrderedDict((str(j),[j]) for j in range(10)) for i in range(50)]
keep['dq']=[collections.deque(range(i)) for i in range(200)]
keep['dd']=collections.defaultdict(list,{str(i):[i] for i in range(100)})
keep['ctr']=collections.Counter('hello world'); keep['chain']=collections.ChainMap({},{'a':1})
keep['part']=[functools.partial(print,i,end=str(i)) for i in range(50)]
@functools.lru_cache(maxsize=None)
def f1(x): return [x]
@functools.lru_cache(maxsize=100)
def f2(x): return [x]
for i in range(50): f1(i); f2(str(i))
keep['dt']=[datetime.datetime(2020,1,1,tzinfo=datetime.timezone(datetime.timedelta(hours=i%12))) for i in range(50)]
keep['dec']=[decimal.Decimal(i)/7 for i in range(50)]; keep['frac']=[fractions.Fraction(i,7) for i in range(50)]
keep['it']=[itertools.chain([1],[2]),itertools.product([1],[2]),itertools.cycle([1,2]),itertools.repeat([1]),itertools.groupby([1,1]),itertools.tee([1,2,3])[0],itertools.count(10**20),itertools.islice([1],3),itertools.permutations([1,2]),itertools.combinations([1,2],1),iter([1]),iter({}),iter({}.items()),iter(set()),zip([1],[2]),map(str,[1]),filter(None,[1]),enumerate([1]),reversed([1]),iter('abc'),iter(b'abc'),iter((1,))]
next(keep['it'][2]); next(keep['it'][4])
keep['weak']=[weakref.ref(o, lambda r: None) for o in keep['nodes'][:20]]+[weakref.proxy(o) for o in keep['nodes'][:5]]
keep['wvd']=weakref.WeakValueDictionary((i,o) for i,o in enumerate(keep['nodes'][:50])); keep['wkd']=weakref.WeakKeyDictionary((o,1) for o in keep['nodes'][:50])
keep['q']=queue.Queue(); keep['sq']=queue.SimpleQueue(); [keep['sq'].put([i]) for i in range(20)]; [keep['q'].put([i]) for i in range(20)]
cv=contextvars.ContextVar('cv',default=[]); tok=cv.set([3]); keep['ctx']=contextvars.copy_context()
many=[contextvars.ContextVar('v%d'%i) for i in range(100)]
for v in many: v.set([v.name])
keep['ctx2']=contextvars.copy_context()
keep['io']=[io.BytesIO(b'x'*100),io.StringIO('abc'),io.TextIOWrapper(io.BufferedRandom(io.BytesIO()) if 0 else io.BytesIO(b'q'))]
keep['arr']=[array.array('i',range(100)),array.array('d',[1.0])]; keep['ba']=[bytearray(1000)]; keep['mv']=[memoryview(keep['ba'][0])[1:]]
keep['re']=[re.compile('a(b)(?P<n>c)%d'%i) for i in range(10)]; keep['m']=[keep['re'][0].match('abc0')]
keep['struct']=[struct.Struct('<ii')]
el=ET.Element('root',a='1')
for i in range(20): ET.SubElement(el,'c%d'%i).text='t%d'%i
keep['el']=el
def gen(x):
    y=[x]
    while True: yield y
keep['gen']=[gen(i) for i in range(100)]
for g in keep['gen'][:50]: next(g)
async def co(x):
    z=[x]; await asyncio.sleep(1000); return z
async def ag():
    q=[1]; yield q
keep['co']=[co(i) for i in range(20)]; keep['ag']=[ag()]
try: 1/0
except ZeroDivisionError as e: keep['exc']=e
keep['mod']=types.ModuleType('zmod'); keep['ns']=types.SimpleNamespace(a=[1])
keep['prop']=[property(lambda s:1) ,classmethod(len),staticmethod(len),super(Node,keep['nodes'][0])]
keep['slice']=slice([1],2); keep['rng']=[range(10**20,10**21)]
keep['ga']=[list[int] if sys.version_info>=(3,9) else 1, typing.List[int], typing.Optional[str]]
keep['sock']=socket.socketpair(); keep['poll']=select.epoll()
keep['pick']=pickle.Pickler(io.BytesIO()); keep['pick'].dump(keep['p']); keep['unp']=pickle.Unpickler(io.BytesIO(b''))
keep['rand']=random.Random(3); keep['path']=pathlib.Path('/x/y'); keep['stat']=os.stat('/'); keep['time']=time.localtime()
keep['local']=threading.local(); keep['local'].x=[1]
keep['str']=['é%d'%i for i in range(100)]+['\u4e2d%d'%i for i in range(100)]+['\U0001F600%d'%i for i in range(50)]
[s.encode() for s in keep['str']]
keep['big']=[10**i for i in range(200)]; keep['flt']=[i*0.5 for i in range(1000)]; keep['cx']=[1j*i for i in range(20)]; keep['bytes']=[bytes(i) for i in range(600)]
keep['fs']=[frozenset(range(i)) for i in range(50)]
try:
    import numpy as np
    keep['np']=[np.zeros((100,100)),np.array([[1],{}],dtype=object) if 0 else np.array([object() for i in range(10)],dtype=object),np.float64(3.0),np.dtype('i4')]; keep['np'].append(keep['np'][0][3:])
except ImportError: pass
try:
    import sqlite3; keep['sql']=sqlite3.connect(':memory:'); keep['cur']=keep['sql'].execute('select 1')
except ImportError: pass
try:
    import ctypes; keep['ct']=[ctypes.c_int(3),(ctypes.c_char*100)(),ctypes.py_object([1]),ctypes.pointer(ctypes.c_int(2))]
except ImportError: pass
def worker(x):
    mine=[x,'worker']; ev.wait()
ev=threading.Event()
ths=[threading.Thread(target=worker,args=(i,),name='w%d'%i) for i in range(4)]
def loop_thread():
    async def main():
        keep['tasks']=[asyncio.ensure_future(co(i)) for i in range(20)]
        await asyncio.sleep(1000)
    asyncio.new_event_loop().run_until_complete(main())
ths.append(threading.Thread(target=loop_thread,name='loop'))
for t in ths: t.daemon=True; t.start()
time.sleep(0.3)
import gc; gc.collect()
def outer():
    secret=['in outer']; 
    os.write(1,b'ready\n'); sys.stdin.readline()
outer()
