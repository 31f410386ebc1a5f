//! What lies on the stack besides ordinary values, as a chain of blocks, innermost first.
//!
//! Chains are interned: equal chains have equal indexes. `LOAD_METHOD`'s pair of slots is a link of the chain as well,
//! since it guards its slots as a block does.

use super::BlockKind;
use hashbrown::HashMap;

/// The empty chain.
pub(super) const NONE: u32 = u32::MAX;

/// A link of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Link {
    pub parent: u32,
    pub kind: Kind,
    pub level: u32,
    /// Between `WITH_CLEANUP_START` and `WITH_CLEANUP_FINISH`.
    pub cleanup: bool,
}

/// What a link stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Setup {
        handler: u32,
        with: bool,
    },
    /// Entered by an exception, all six slots in place.
    Except,
    /// Entered by an exception, the upper three slots used as ordinary values.
    Handler,
    /// Entered by an exception or by `BEGIN_FINALLY`.
    Finally,
    /// Entered by `CALL_FINALLY`, or as well by an exception or `BEGIN_FINALLY`.
    Called,
    /// The two slots of `LOAD_METHOD`.
    Method,
}

impl Kind {
    /// What it is to the outside, `None` if no block.
    pub fn block_kind(self) -> Option<BlockKind> {
        match self {
            Kind::Setup { handler, with } => Some(BlockKind::Setup { handler, with }),
            Kind::Except | Kind::Handler => Some(BlockKind::Except),
            Kind::Finally | Kind::Called => Some(BlockKind::Finally),
            Kind::Method => None,
        }
    }
}

impl Link {
    /// The lowest slot that ordinary instructions may take or replace under this link.
    pub fn floor(&self) -> u32 {
        self.level.saturating_add(match self.kind {
            Kind::Setup { .. } => 0,
            Kind::Except | Kind::Finally | Kind::Called => 6,
            Kind::Handler => 3,
            Kind::Method => 2,
        })
    }

    /// The slots of it that ordinary instructions may not even read.
    fn guards(&self, slot: u32) -> bool {
        let end = match self.kind {
            Kind::Setup { .. } => return false,
            Kind::Except | Kind::Handler => self.level.saturating_add(3),
            Kind::Finally | Kind::Called => self.level.saturating_add(6),
            Kind::Method => self.level.saturating_add(2),
        };
        let start = if self.cleanup { self.level.saturating_sub(1) } else { self.level };
        (start..end).contains(&slot)
    }
}

/// The interned chains.
#[derive(Default)]
pub(super) struct Chains {
    links: Vec<Link>,
    /// By link: how long the chain is that starts there, and how many blocks are in it.
    lengths: Vec<(u32, u32)>,
    index: HashMap<Link, u32>,
}

impl Chains {
    /// The chain's innermost link.
    pub fn get(&self, chain: u32) -> Option<&Link> {
        self.links.get(chain as usize)
    }

    /// All links; parents come before children.
    pub fn links(&self) -> &[Link] {
        &self.links
    }

    /// The chain that `link` starts.
    pub fn intern(&mut self, link: Link) -> u32 {
        if let Some(&chain) = self.index.get(&link) {
            return chain;
        }
        let (length, blocks) = self.length(link.parent);
        let chain = self.links.len() as u32;
        self.links.push(link);
        self.lengths.push((length + 1, blocks + u32::from(link.kind != Kind::Method)));
        self.index.insert(link, chain);
        chain
    }

    /// How many links the chain has, and how many of them are blocks.
    pub fn length(&self, chain: u32) -> (u32, u32) {
        self.lengths.get(chain as usize).copied().unwrap_or((0, 0))
    }

    /// Whether `slot` holds something that ordinary instructions may not read, and the link to which it belongs.
    ///
    /// `steps` counts the work.
    pub fn guard(&self, mut chain: u32, slot: u32, steps: &mut u64) -> Option<Kind> {
        while let Some(link) = self.get(chain) {
            *steps += 1;
            if link.guards(slot) {
                return Some(link.kind);
            }
            // Deeper links have lower slots only.
            if link.floor() <= slot {
                return None;
            }
            chain = link.parent;
        }
        None
    }

    /// What both chains are where control joins; `None` if they do not fit.
    pub fn join(&mut self, a: u32, b: u32, steps: &mut u64) -> Option<u32> {
        if self.length(a).0 != self.length(b).0 {
            return None;
        }
        let mut pairs = Vec::new();
        let (mut left, mut right) = (a, b);
        while left != right {
            *steps += 1;
            let (one, other) = (*self.get(left)?, *self.get(right)?);
            if one.level != other.level || one.cleanup != other.cleanup {
                return None;
            }
            let kind = match (one.kind, other.kind) {
                (kind, same) if kind == same => kind,
                (Kind::Except, Kind::Finally) | (Kind::Finally, Kind::Except) => Kind::Finally,
                (Kind::Called, Kind::Except | Kind::Finally) | (Kind::Except | Kind::Finally, Kind::Called) => {
                    Kind::Called
                }
                (Kind::Except, Kind::Handler) | (Kind::Handler, Kind::Except) => Kind::Handler,
                _ => return None,
            };
            pairs.push(Link { kind, ..one });
            (left, right) = (one.parent, other.parent);
        }
        let mut chain = left;
        for link in pairs.into_iter().rev() {
            chain = self.intern(Link { parent: chain, ..link });
        }
        Some(chain)
    }
}
