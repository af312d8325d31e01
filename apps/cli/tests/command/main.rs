//! What the command says: help, exit codes, messages, JSON.

mod bad_input;
mod encode;
mod help;
mod models;
mod output;
mod program;
