"""Twenty thousand nodes that stay, among threads that make and drop garbage: to be killed at any moment."""
import os, sys, gc, threading, random
class Node:
    def __init__(self,i): self.id=i; self.next=None; self.items=[i]
N=20000
keep=[Node(i) for i in range(N)]
for a,b in zip(keep,keep[1:]): a.next=b
class Temp: pass
def churn():
    while True:
        l=[]
        for i in range(2000):
            t=Temp(); t.self=t; t.d={'k':bytearray(i%3000)}; l.append(t)
        if random.random()<0.5: gc.collect()
for i in range(3): threading.Thread(target=churn,daemon=True).start()
os.write(1,b'ready\n')
mode=sys.argv[1]
if mode=='gc':
    while True: gc.collect()
churn()
