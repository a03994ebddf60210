"""provisional"""
import jax, jax.numpy as jnp
from prunax.errors import InputError
from prunax.models.types import Model as Model
from prunax.models.check import checked as checked, check_input as check_input, sizes as sizes, shapes as shapes
def _d(key, i, o):
  b=(3/i)**.5
  return {'kernel': jax.random.uniform(key,(i,o),minval=-b,maxval=b),'bias':jnp.zeros(o)}
def _init3(key):
  ks=jax.random.split(key,3); d=[784,300,100,10]
  return {f'ip{i+1}':_d(ks[i],d[i],d[i+1]) for i in range(3)}
def _apply3(v,x,train=False,rngs=None):
  x=x.reshape(x.shape[0],-1)
  x=jax.nn.relu(x@v['ip1']['kernel']+v['ip1']['bias']); x=jax.nn.relu(x@v['ip2']['kernel']+v['ip2']['bias'])
  return x@v['ip3']['kernel']+v['ip3']['bias']
def _conv(x,k):
  h,w,i,o=k.shape; H=x.shape[1]-h+1
  p=jnp.concatenate([x[:,a:a+H,b:b+H,:] for a in range(h) for b in range(w)],-1)
  return p@k.reshape(-1,o)
def _pool(x):
  n,h,w,c=x.shape
  return x.reshape(n,h//2,2,w//2,2,c).max((2,4))
def _init5(key):
  ks=jax.random.split(key,4)
  f=lambda k,s: (lambda d: {'kernel':d['kernel'].reshape(s),'bias':d['bias']})(_d(k,s[0]*s[1]*s[2],s[3]))
  return {'conv1':f(ks[0],(5,5,1,20)),'conv2':f(ks[1],(5,5,20,50)),'ip1':_d(ks[2],800,500),'ip2':_d(ks[3],500,10)}
def _apply5(v,x,train=False,rngs=None):
  x=_pool(_conv(x,v['conv1']['kernel'])+v['conv1']['bias']); x=_pool(_conv(x,v['conv2']['kernel'])+v['conv2']['bias'])
  x=x.transpose(0,3,1,2).reshape(x.shape[0],-1)
  x=jax.nn.relu(x@v['ip1']['kernel']+v['ip1']['bias'])
  return x@v['ip2']['kernel']+v['ip2']['bias']
ZOO={'lenet5':Model('lenet5',_init5,_apply5,(28,28,1),10),'lenet300100':Model('lenet300100',_init3,_apply3,(28,28,1),10)}
def get(name):
  if name not in ZOO: raise InputError(f'unknown model {name!r}')
  return ZOO[name]
def names(): return list(ZOO)
def fitting(variables):
  import numpy as np
  from prunax import tree
  s={n:np.shape(x) for n,x in tree.named_leaves(variables).items()}
  return [m for m in ZOO.values() if shapes(m)==s]
