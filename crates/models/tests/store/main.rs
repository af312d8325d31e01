//! The store over a tiny catalogue: real pip, local packages, several processes.

mod by_hand;
mod child;
mod download;
mod processes;
mod tiny;
