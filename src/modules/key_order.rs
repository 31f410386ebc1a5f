//! An order of keys that can be changed (an OrderedDict's, that of use in a cache): a doubly linked list, and a table that
//! finds a key's place in it.

use crate::object::dict_table::DictTable;
use crate::object::error::PyResult;
use crate::object::value::Value;
use std::cell::Cell;

/// No node.
const NONE: u32 = u32::MAX;

struct Node {
    /// Unbound: the node is free.
    key: Value,
    hash: i64,
    previous: u32,
    /// Of a free node, the next free one.
    next: u32,
}

struct Nodes {
    all: Vec<Node>,
    first: u32,
    last: u32,
    free: u32,
}

impl Default for Nodes {
    fn default() -> Nodes {
        Nodes { all: Vec::new(), first: NONE, last: NONE, free: NONE }
    }
}

/// An end of the order.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    First,
    Last,
}

/// A key's place in the order. It is good until that key is removed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Place(u32);

impl Place {
    /// A small number that no other key's place has now.
    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

impl Nodes {
    fn get(&self, place: u32) -> Option<&Node> {
        self.all.get(place as usize)
    }

    fn end(&self, end: End) -> u32 {
        match end {
            End::First => self.first,
            End::Last => self.last,
        }
    }

    fn set_next(&mut self, place: u32, next: u32) {
        match self.all.get_mut(place as usize) {
            Some(node) => node.next = next,
            None => self.first = next,
        }
    }

    fn set_previous(&mut self, place: u32, previous: u32) {
        match self.all.get_mut(place as usize) {
            Some(node) => node.previous = previous,
            None => self.last = previous,
        }
    }

    /// Takes a node out of the list.
    fn unlink(&mut self, place: u32) {
        let Some((previous, next)) = self.get(place).map(|node| (node.previous, node.next)) else { return };
        self.set_next(previous, next);
        self.set_previous(next, previous);
    }

    /// Puts a node at an end of the list.
    fn link(&mut self, place: u32, end: End) {
        let (previous, next) = match end {
            End::First => (NONE, self.first),
            End::Last => (self.last, NONE),
        };
        if let Some(node) = self.all.get_mut(place as usize) {
            (node.previous, node.next) = (previous, next);
        }
        self.set_next(previous, place);
        self.set_previous(next, place);
    }

    /// A node for a key, not in the list yet.
    fn take_node(&mut self, key: Value, hash: i64) -> u32 {
        let node = Node { key, hash, previous: NONE, next: NONE };
        let free = self.free;
        if let Some(place) = self.all.get_mut(free as usize) {
            self.free = place.next;
            // What is replaced is the unbound value.
            *place = node;
            return free;
        }
        self.all.push(node);
        (self.all.len() - 1) as u32
    }
}

/// The order of keys.
#[derive(Default)]
pub(super) struct KeyOrder {
    nodes: Cell<Nodes>,
    /// From a key to its place, an int.
    places: DictTable,
    /// Changes whenever the order does.
    state: Cell<u64>,
}

impl KeyOrder {
    /// Runs `work`, which runs no foreign code, with the nodes.
    fn with<R>(&self, work: impl FnOnce(&mut Nodes) -> R) -> R {
        let mut nodes = self.nodes.take();
        let result = work(&mut nodes);
        self.nodes.set(nodes);
        result
    }

    /// A number that differs after any change of the order.
    pub(super) fn state(&self) -> u64 {
        self.state.get()
    }

    fn changed(&self) {
        self.state.set(self.state.get().wrapping_add(1));
    }

    /// Number of keys.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there are no keys.
    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The place of a key whose hash is `hash`.
    ///
    /// # Errors
    /// What comparing keys raises.
    pub(super) fn find(&self, key: &Value, hash: i64) -> PyResult<Option<Place>> {
        let place = self.places.get(key, hash)?.and_then(|place| place.as_small_int());
        Ok(place.and_then(|place| u32::try_from(place).ok()).map(Place))
    }

    /// Adds a key at the end, if it has no place yet; its place.
    ///
    /// # Errors
    /// What comparing keys raises.
    pub(super) fn add(&self, key: &Value, hash: i64) -> PyResult<Place> {
        if let Some(place) = self.find(key, hash)? {
            return Ok(place);
        }
        self.places.reserve_one()?;
        let place = self.with(|nodes| {
            let place = nodes.take_node(key.clone(), hash);
            nodes.link(place, End::Last);
            place
        });
        self.places.insert_new(key, hash, Value::int(place.into()))?;
        self.changed();
        Ok(Place(place))
    }

    /// Removes a key; what was stored for it is returned to be dropped by the caller.
    ///
    /// # Errors
    /// What comparing keys raises.
    pub(super) fn remove(&self, key: &Value, hash: i64) -> PyResult<Option<(Value, Value)>> {
        let Some((stored, place)) = self.places.remove(key, hash)? else { return Ok(None) };
        let Some(place) = place.as_small_int().and_then(|place| u32::try_from(place).ok()) else { return Ok(None) };
        let own = self.with(|nodes| {
            nodes.unlink(place);
            let free = nodes.free;
            let node = nodes.all.get_mut(place as usize)?;
            node.next = free;
            let key = std::mem::replace(&mut node.key, Value::UNBOUND);
            nodes.free = place;
            Some(key)
        });
        self.changed();
        Ok(own.map(|own| (own, stored)))
    }

    /// Removes all keys; they are returned to be dropped by the caller.
    pub(super) fn clear(&self) -> impl Sized {
        (self.nodes.take().all, self.places.clear())
    }

    /// The place at an end.
    pub(super) fn end(&self, end: End) -> Option<Place> {
        let place = self.with(|nodes| nodes.end(end));
        (place != NONE).then_some(Place(place))
    }

    /// The key at a place, with its hash.
    pub(super) fn key(&self, place: Place) -> Option<(Value, i64)> {
        self.with(|nodes| nodes.get(place.0).map(|node| (node.key.clone(), node.hash)))
            .filter(|(key, _)| !key.is_unbound())
    }

    /// The place after another one, or before it.
    pub(super) fn beside(&self, place: Place, towards: End) -> Option<Place> {
        let beside = self.with(|nodes| {
            nodes.get(place.0).map_or(NONE, |node| match towards {
                End::First => node.previous,
                End::Last => node.next,
            })
        });
        (beside != NONE).then_some(Place(beside))
    }

    /// Moves the key at a place to an end.
    pub(super) fn move_to(&self, place: Place, end: End) {
        let moved = self.with(|nodes| {
            let moves = nodes.end(end) != place.0;
            if moves {
                nodes.unlink(place.0);
                nodes.link(place.0, end);
            }
            moves
        });
        if moved {
            // Taken out, put in.
            self.changed();
            self.changed();
        }
    }

    /// Calls `visit` for every key; it must not run foreign code.
    pub(super) fn for_each(&self, visit: &mut dyn FnMut(&Value)) {
        self.places.for_each(visit);
        self.with(|nodes| nodes.all.iter().filter(|node| !node.key.is_unbound()).for_each(|node| visit(&node.key)));
    }
}
