"""Records how CPython 3.8 sorts and how it orders sets, for the tests of src/types/list/sort.rs and src/types/set/.

Usage: python3.8 tools/record_orders.py, in the root of the repository. The pseudo-random cases are made alike in the tests.
"""
M=(1<<64)-1
class Lcg:
    def __init__(s,seed): s.x=seed
    def next(s,n):
        s.x=(s.x*6364136223846793005+1442695040888963407)&M
        return (s.x>>33)%n
def fnv(h,v): return ((h^(v&M))*0x100000001b3)&M
log=None
class K:
    def __init__(s,k,i): s.k=k; s.i=i
    def __lt__(s,o):
        global log
        log=(log[0]+1, fnv(fnv(log[1],s.i),o.i))
        return s.k<o.k
def keys(pattern,n,r):
    if pattern==0: return [r.next(1000000) for _ in range(n)]
    if pattern==1: return [r.next(5) for _ in range(n)]
    if pattern==2: return [i+(r.next(100)==0)*r.next(n+1) for i in range(n)]
    if pattern==3: return [n-i for i in range(n)]
    if pattern==4: return [(i*i)%max(1,n//3+1) for i in range(n)]
    if pattern==5: return [i%(n//4+1) + r.next(3) for i in range(n)]
    # contradictory answers
    return [float('nan') if r.next(3)==0 else float(r.next(50)) for _ in range(n)]
out=[]
for pattern in range(7):
    for n in (1,2,3,17,63,64,65,100,257,1000,2999):
        for rev in (False,True):
            r=Lcg(pattern*1000+n)
            log=(0,0xcbf29ce484222325)
            l=[K(k,i) for i,k in enumerate(keys(pattern,n,r))]
            l.sort(reverse=rev)
            h=0xcbf29ce484222325
            for x in l: h=fnv(h,x.i)
            out.append((pattern,n,int(rev),log[0],log[1],h))
open('src/types/list/sort_cases.txt','w').write('# pattern, length, reverse, comparisons, checksum of the positions compared, checksum of the order\n'+'\n'.join(' '.join(map(str,o)) for o in out)+'\n')
# sets
out=[]
for seed in range(12):
    r=Lcg(seed*77+5); span=[20,64,300,5000,100000,8][seed%6]; scale=[1,8,37][seed%3]
    s=set(); h=0xcbf29ce484222325
    for step in range(400):
        op=r.next(12); a=r.next(span)*scale; n=r.next(40)
        if op<4: s.add(a)
        elif op<6: s.discard(a)
        elif op==6: s.update(range(a,a+n*scale,scale))
        elif op==7:
            if s: h=fnv(h,s.pop())
        elif op==8: s.difference_update(range(a,a+n*scale,scale))
        elif op==9: s=s^set(range(a,a+n*scale,scale))
        elif op==10: s=s.copy()
        elif op==11:
            t=set(range(0,a,scale))
            s = s & t if step%7==0 else (s-t if step%7==1 else s|t if step%50==3 else s)
        h=fnv(h,len(s)); 
        for x in s: h=fnv(h,x)
        h=fnv(h,s.__sizeof__())
    out.append((seed,len(s),h))
open('src/types/set/order_cases.txt','w').write('# seed, length at the end, checksum of all orders\n'+'\n'.join(' '.join(map(str,o)) for o in out)+'\n')

