//! The states that a disk goes through, and the crashes of each.

use super::SimDisk;
use super::crash::{Choice, Draws, Manner, Plan};
use super::image::{FileId, Image};

/// The states of a disk after each of its [operations](SimDisk::operations) since [`SimDisk::record`].
#[derive(Clone, Debug)]
pub struct Trace {
    /// The operations before the first state.
    before: u64,
    bytes_max: Option<usize>,
    states: Vec<State>,
}

#[derive(Clone, Debug)]
struct State {
    image: Image,
    /// The file that the operation before wrote to.
    written: Option<FileId>,
}

/// How many of the crashes of a state to go through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    /// All of them if there are no more than this. All are: every subset of the written sectors, what is lost being old,
    /// zero, 0xA5 or misplaced, with each length (old, new, halfway), with every subset of the changes of names.
    pub all_up_to: u64,
    /// Else so many, drawn.
    pub drawn: u64,
    /// The seed of the drawing.
    pub seed: u64,
}

/// A disk after a power cut.
#[derive(Clone, Debug)]
pub struct Crash {
    /// The disk.
    pub disk: SimDisk,
    /// How many [operations](SimDisk::operations) there had been.
    pub operations: u64,
    /// What has become of what was not synced.
    pub case: Case,
}

/// What a power cut has left of what was not synced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Case {
    /// As chosen.
    Chosen(Choice),
    /// Everything, but of the last write its first bytes alone.
    Torn {
        /// How many.
        bytes: usize,
    },
    /// Everything: the process ended, and the power did not fail. What was not synced may still be lost.
    Killed,
}

/// All subsets of 12 sectors with each fate and each length of a file, else 4,096.
impl Default for Effort {
    fn default() -> Self {
        Self { all_up_to: 3 * 4 * (1 << 12), drawn: 4_096, seed: 0 }
    }
}

impl Trace {
    pub(super) fn new(before: u64, image: &Image, bytes_max: Option<usize>) -> Self {
        Self { before, bytes_max, states: vec![State { image: image.clone(), written: None }] }
    }

    pub(super) fn push(&mut self, image: &Image, written: Option<FileId>) {
        self.states.push(State { image: image.clone(), written });
    }

    /// The crashes of every state, in order.
    pub fn crashes(&self, effort: Effort) -> impl Iterator<Item = Crash> + '_ {
        let states = (self.before..).zip(&self.states);
        states.flat_map(move |(operations, state)| {
            let plan = Plan::new(&state.image);
            let choices = Choices::new(&plan, Effort { seed: effort.seed ^ operations, ..effort });
            choices.walk(plan).map(move |(choice, image)| Crash {
                disk: SimDisk::of(image, self.bytes_max),
                operations,
                case: Case::Chosen(choice),
            })
        })
    }

    /// What the end of the process leaves in every state, in order.
    pub fn kills(&self) -> impl Iterator<Item = Crash> + '_ {
        (self.before..).zip(&self.states).map(|(operations, state)| Crash {
            disk: SimDisk::of(state.image.clone(), self.bytes_max),
            operations,
            case: Case::Killed,
        })
    }

    /// The crashes that leave everything, but of the last write its first bytes alone: for each write each number of them,
    /// from none to all. The write counts in [`Crash::operations`].
    pub fn torn_writes(&self) -> impl Iterator<Item = Crash> + '_ {
        let pairs = self.states.iter().zip(self.states.iter().skip(1));
        (self.before + 1..).zip(pairs).flat_map(move |(operations, (before, after))| {
            let write = after.written.and_then(|file| {
                let was = before.image.files.get(&file)?.unsynced.len();
                let write = after.image.files.get(&file)?.unsynced.get(was)?;
                Some((file, write.clone()))
            });
            let settled = before.image.settled();
            write.into_iter().flat_map(move |(file, write)| {
                let settled = settled.clone();
                (0..=write.bytes.len()).map(move |bytes| {
                    let mut image = settled.clone();
                    if let (Some(inode), Some(part)) = (image.inode(file), write.bytes.get(..bytes)) {
                        inode.write(part, write.offset);
                        inode.sync();
                    }
                    Crash { disk: SimDisk::of(image, self.bytes_max), operations, case: Case::Torn { bytes } }
                })
            })
        })
    }
}

/// What goes through the choices of a state.
enum Choices {
    /// All of them: the picks of the last one, each with its options.
    All { picks: Option<Vec<(usize, usize)>> },
    /// So many more of `of` drawn ones.
    Drawn { left: u64, of: u64, draws: Draws },
}

impl Choices {
    fn new(plan: &Plan, effort: Effort) -> Self {
        if plan.halves() <= effort.all_up_to {
            Self::All { picks: Some(Vec::new()) }
        } else {
            Self::Drawn { left: effort.drawn, of: effort.drawn, draws: Draws::new(effort.seed) }
        }
    }

    fn walk(mut self, plan: Plan) -> impl Iterator<Item = (Choice, Image)> {
        std::iter::from_fn(move || {
            let choice = self.next(&plan)?;
            let image = plan.image(&choice);
            Some((choice, image))
        })
    }

    fn next(&mut self, plan: &Plan) -> Option<Choice> {
        match self {
            Self::All { picks } => {
                let mut now = picks.take()?;
                let choice = replay(&mut now, plan);
                *picks = following(now);
                Some(choice)
            }
            Self::Drawn { left, of, draws } => {
                let at = *of - *left;
                *left = left.checked_sub(1)?;
                Some(match at {
                    0 => plan.choose(Manner::Halves, &mut |_| 0),
                    1 => plan.choose(Manner::Halves, &mut |options| options - 1),
                    at if at % 3 == 0 => plan.choose(Manner::Halves, &mut |options| draws.below(options)),
                    at if at % 3 == 1 => plan.choose(Manner::Each, &mut |options| draws.below(options)),
                    _ => plan.choose(Manner::One, &mut |options| draws.below(options)),
                })
            }
        }
    }
}

/// Picks as `picks` says, and 0 after that; notes what was picked, and of how many.
fn replay(picks: &mut Vec<(usize, usize)>, plan: &Plan) -> Choice {
    let mut at = 0;
    plan.choose(Manner::Halves, &mut |options| {
        if at == picks.len() {
            picks.push((0, options));
        }
        at += 1;
        picks.get(at - 1).map_or(0, |(picked, _)| *picked)
    })
}

/// The picks after these, as one counts: the last that can be raised is, and those after it are open again.
fn following(mut picks: Vec<(usize, usize)>) -> Option<Vec<(usize, usize)>> {
    while let Some((picked, options)) = picks.pop() {
        if picked + 1 < options {
            picks.push((picked + 1, options));
            return Some(picks);
        }
    }
    None
}
