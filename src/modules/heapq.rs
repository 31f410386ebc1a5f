//! The module `_heapq`.

use crate::method;
use crate::modules::ModuleDef;
use crate::object::compare;
use crate::object::error::PyResult;
use crate::object::slots::Compare;
use crate::object::value::Value;
use crate::object::value_vec::ValueVec;
use crate::types::dict::Dict;
use crate::types::exceptions::{index_error, runtime_error, type_error};
use crate::types::list::List;
use crate::types::str::Str;

/// The module's definition.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_heapq",
    doc: "Heap queue algorithm (a.k.a. priority queue).\n\nHeaps are arrays for which a[k] <= a[2*k+1] and a[k] <= a[2*k+2] for\nall k, counting elements from 0.  For the sake of comparison,\nnon-existing elements are considered to be infinite.  The interesting\nproperty of a heap is that a[0] is always its smallest element.\n\nUsage:\n\nheap = []            # creates an empty heap\nheappush(heap, item) # pushes a new item on the heap\nitem = heappop(heap) # pops the smallest item from the heap\nitem = heap[0]       # smallest item on the heap without popping it\nheapify(x)           # transforms list into a heap, in-place, in linear time\nitem = heapreplace(heap, item) # pops and returns smallest item, and adds\n                               # new item; the heap size is unchanged\n\nOur API differs from textbook heap algorithms as follows:\n\n- We use 0-based indexing.  This makes the relationship between the\n  index for a node and the indexes for its children slightly less\n  obvious, but is more suitable since Python uses 0-based indexing.\n\n- Our heappop() method returns the smallest item, not the largest.\n\nThese two make it possible to view the heap as a regular Python list\nwithout surprises: heap[0] is the smallest item, and heap.sort()\nmaintains the heap invariant!\n",
    functions: &[
        method!(heappush, "heappush($module, heap, item, /)", "Push item onto heap, maintaining the heap invariant."),
        method!(
            heappushpop,
            "heappushpop($module, heap, item, /)",
            "Push item on the heap, then pop and return the smallest item from the heap.\n\nThe combined action runs more efficiently than heappush() followed by\na separate call to heappop()."
        ),
        method!(
            heappop,
            "heappop($module, heap, /)",
            "Pop the smallest item off the heap, maintaining the heap invariant."
        ),
        method!(
            heapreplace,
            "heapreplace($module, heap, item, /)",
            "Pop and return the current smallest value, and add the new item.\n\nThis is more efficient than heappop() followed by heappush(), and can be\nmore appropriate when using a fixed-size heap.  Note that the value\nreturned may be larger than item!  That constrains reasonable uses of\nthis routine unless written as part of a conditional replacement:\n\n    if item > heap[0]:\n        item = heapreplace(heap, item)"
        ),
        method!(heapify, "heapify($module, heap, /)", "Transform list into a heap, in-place, in O(len(heap)) time."),
        method!(heappop_max, "_heappop_max($module, heap, /)", "Maxheap variant of heappop."),
        method!(heapify_max, "_heapify_max($module, heap, /)", "Maxheap variant of heapify."),
        method!(heapreplace_max, "_heapreplace_max($module, heap, item, /)", "Maxheap variant of heapreplace."),
    ],
    fill,
};

const ABOUT: &str = "Heap queues\n\n[explanation by François Pinard]\n\nHeaps are arrays for which a[k] <= a[2*k+1] and a[k] <= a[2*k+2] for\nall k, counting elements from 0.  For the sake of comparison,\nnon-existing elements are considered to be infinite.  The interesting\nproperty of a heap is that a[0] is always its smallest element.\n\nThe strange invariant above is meant to be an efficient memory\nrepresentation for a tournament.  The numbers below are `k', not a[k]:\n\n                                   0\n\n                  1                                 2\n\n          3               4                5               6\n\n      7       8       9       10      11      12      13      14\n\n    15 16   17 18   19 20   21 22   23 24   25 26   27 28   29 30\n\n\nIn the tree above, each cell `k' is topping `2*k+1' and `2*k+2'.  In\na usual binary tournament we see in sports, each cell is the winner\nover the two cells it tops, and we can trace the winner down the tree\nto see all opponents s/he had.  However, in many computer applications\nof such tournaments, we do not need to trace the history of a winner.\nTo be more memory efficient, when a winner is promoted, we try to\nreplace it by something else at a lower level, and the rule becomes\nthat a cell and the two cells it tops contain three different items,\nbut the top cell \"wins\" over the two topped cells.\n\nIf this heap invariant is protected at all time, index 0 is clearly\nthe overall winner.  The simplest algorithmic way to remove it and\nfind the \"next\" winner is to move some loser (let's say cell 30 in the\ndiagram above) into the 0 position, and then percolate this new 0 down\nthe tree, exchanging values, until the invariant is re-established.\nThis is clearly logarithmic on the total number of items in the tree.\nBy iterating over all items, you get an O(n ln n) sort.\n\nA nice feature of this sort is that you can efficiently insert new\nitems while the sort is going on, provided that the inserted items are\nnot \"better\" than the last 0'th element you extracted.  This is\nespecially useful in simulation contexts, where the tree holds all\nincoming events, and the \"win\" condition means the smallest scheduled\ntime.  When an event schedule other events for execution, they are\nscheduled into the future, so they can easily go into the heap.  So, a\nheap is a good structure for implementing schedulers (this is what I\nused for my MIDI sequencer :-).\n\nVarious structures for implementing schedulers have been extensively\nstudied, and heaps are good for this, as they are reasonably speedy,\nthe speed is almost constant, and the worst case is not much different\nthan the average case.  However, there are other representations which\nare more efficient overall, yet the worst cases might be terrible.\n\nHeaps are also very useful in big disk sorts.  You most probably all\nknow that a big sort implies producing \"runs\" (which are pre-sorted\nsequences, which size is usually related to the amount of CPU memory),\nfollowed by a merging passes for these runs, which merging is often\nvery cleverly organised[1].  It is very important that the initial\nsort produces the longest runs possible.  Tournaments are a good way\nto that.  If, using all the memory available to hold a tournament, you\nreplace and percolate items that happen to fit the current run, you'll\nproduce runs which are twice the size of the memory for random input,\nand much better for input fuzzily ordered.\n\nMoreover, if you output the 0'th item on disk and get an input which\nmay not fit in the current tournament (because the value \"wins\" over\nthe last output value), it cannot fit in the heap, so the size of the\nheap decreases.  The freed memory could be cleverly reused immediately\nfor progressively building a second heap, which grows at exactly the\nsame rate the first heap is melting.  When the first heap completely\nvanishes, you switch heaps and start a new run.  Clever and quite\neffective!\n\nIn a word, heaps are useful memory structures to know.  I use them in\na few applications, and I think it is good to keep a `heap' module\naround. :-)\n\n--------------------\n[1] The disk balancing algorithms which are current, nowadays, are\nmore annoying than clever, and this is a consequence of the seeking\ncapabilities of the disks.  On devices which cannot seek, like big\ntape drives, the story was quite different, and one had to be very\nclever to ensure (far in advance) that each tape movement will be the\nmost effective possible (that is, will best participate at\n\"progressing\" the merge).  Some tapes were even able to read\nbackwards, and this was also used to avoid the rewinding time.\nBelieve me, real good tape sorts were quite spectacular to watch!\nFrom all times, sorting has always been a Great Art! :-)\n";

fn fill(dict: &Dict) -> PyResult<()> {
    dict.set_text("__about__", Str::new_value(ABOUT));
    Ok(())
}

/// Which item is on top.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Top {
    Smallest,
    Largest,
}

impl Top {
    /// Whether `item` belongs above `other`.
    #[inline]
    fn is_above(self, item: &Value, other: &Value) -> PyResult<bool> {
        match self {
            Top::Smallest => compare::holds(item, other, Compare::Lt),
            Top::Largest => compare::holds(other, item, Compare::Lt),
        }
    }
}

fn items(heap: &Value) -> PyResult<&ValueVec> {
    match heap.downcast::<List>() {
        Some(list) => Ok(list.items()),
        None => Err(type_error("heap argument must be a list")),
    }
}

/// The item at a position that comparing cannot have taken away.
#[inline]
fn at(heap: &ValueVec, position: usize) -> PyResult<Value> {
    heap.get(position).ok_or_else(|| index_error("index out of range"))
}

#[inline]
fn check_size(heap: &ValueVec, size: usize) -> PyResult<()> {
    if heap.len() == size { Ok(()) } else { Err(runtime_error("list changed size during iteration")) }
}

/// Moves the item at `position` up, at most to `start`, while it belongs above its parent.
fn sift_down(heap: &ValueVec, start: usize, mut position: usize, top: Top) -> PyResult<()> {
    let size = heap.len();
    at(heap, position)?;
    while position > start {
        let parent = (position - 1) / 2;
        let above = top.is_above(&at(heap, position)?, &at(heap, parent)?)?;
        check_size(heap, size)?;
        if !above {
            break;
        }
        heap.swap(position, parent);
        position = parent;
    }
    Ok(())
}

/// Moves the item at `position` down to a leaf, the upper child taking its place each time, then up to where it belongs.
fn sift_up(heap: &ValueVec, start: usize, top: Top) -> PyResult<()> {
    let size = heap.len();
    at(heap, start)?;
    let mut position = start;
    // Nodes from here on have no children.
    let limit = size / 2;
    while position < limit {
        let mut child = 2 * position + 1;
        if child + 1 < size {
            let left_is_above = top.is_above(&at(heap, child)?, &at(heap, child + 1)?)?;
            child += usize::from(!left_is_above);
            check_size(heap, size)?;
        }
        heap.swap(position, child);
        position = child;
    }
    sift_down(heap, start, position, top)
}

fn pop(heap: &Value, top: Top) -> PyResult<Value> {
    let heap = items(heap)?;
    let last = heap.pop().ok_or_else(|| index_error("index out of range"))?;
    match heap.set(0, last) {
        // It was the only one.
        Err(last) => Ok(last),
        Ok(popped) => {
            sift_up(heap, 0, top)?;
            Ok(popped)
        }
    }
}

fn replace(heap: &Value, item: &Value, top: Top) -> PyResult<Value> {
    let heap = items(heap)?;
    let replaced = heap.set(0, item.clone()).map_err(|_| index_error("index out of range"))?;
    sift_up(heap, 0, top)?;
    Ok(replaced)
}

/// Sifts `position` up, and its ancestors as long as it is the last child of each: children are still at hand then.
fn sift_up_with_ancestors(heap: &ValueVec, mut position: usize, top: Top) -> PyResult<()> {
    loop {
        sift_up(heap, position, top)?;
        if position & 1 == 0 {
            return Ok(());
        }
        position >>= 1;
    }
}

fn make_heap(heap: &Value, top: Top) -> PyResult<()> {
    let heap = items(heap)?;
    let size = heap.len();
    let inner = size / 2;
    if size <= 2500 {
        return (0..inner).rev().try_for_each(|position| sift_up(heap, position, top));
    }
    // Large heaps: the order that CPython goes in to keep what it compares in the cache.
    let leftmost = (1usize << (inner + 1).ilog2()) - 1;
    (inner / 2..leftmost).rev().try_for_each(|position| sift_up_with_ancestors(heap, position, top))?;
    (leftmost..inner).rev().try_for_each(|position| sift_up_with_ancestors(heap, position, top))
}

fn heappush(heap: &Value, item: &Value) -> PyResult<()> {
    let heap = items(heap)?;
    heap.push(item.clone());
    sift_down(heap, 0, heap.len() - 1, Top::Smallest)
}

fn heappushpop(heap: &Value, item: &Value) -> PyResult<Value> {
    let items = items(heap)?;
    match items.get(0) {
        Some(first) if compare::holds(&first, item, Compare::Lt)? => replace(heap, item, Top::Smallest),
        _ => Ok(item.clone()),
    }
}

fn heappop(heap: &Value) -> PyResult<Value> {
    pop(heap, Top::Smallest)
}

fn heapreplace(heap: &Value, item: &Value) -> PyResult<Value> {
    replace(heap, item, Top::Smallest)
}

fn heapify(heap: &Value) -> PyResult<()> {
    make_heap(heap, Top::Smallest)
}

fn heappop_max(heap: &Value) -> PyResult<Value> {
    pop(heap, Top::Largest)
}

fn heapreplace_max(heap: &Value, item: &Value) -> PyResult<Value> {
    replace(heap, item, Top::Largest)
}

fn heapify_max(heap: &Value) -> PyResult<()> {
    make_heap(heap, Top::Largest)
}
