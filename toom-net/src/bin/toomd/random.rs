//! What nobody may guess, from the operating system.

use crate::failure::Failure;

pub(crate) fn random<const N: usize>() -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(Failure::NoRandomSeed)?;
    Ok(bytes)
}
