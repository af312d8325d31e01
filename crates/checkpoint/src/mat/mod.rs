//! MATLAB level 5 files: variables, each compressed or as it is.

mod element;
mod variable;

use std::io::Read;

use flate2::read::ZlibDecoder;

use crate::budget::Budget;
use crate::bytes::Reader;
use crate::error::{Error, Result, malformed, unsupported};
use crate::input::Input;
use crate::pickle::Found;
use crate::source::{Source, Span};
use element::{Element, Order, kinds};

/// Name of the container in error messages.
const MAT: &str = "MATLAB file";
const HEADER: u64 = 128;

/// Finds the numeric variables of a file.
///
/// Cells and structures give `name.index` and `name.field`; texts become notes, and so does the mention of
/// what is no dense real array (sparse, complex, objects).
pub(crate) fn index(source: Source) -> Result<Found> {
    let header = source.read(source.span(0, HEADER, MAT)?)?;
    let order = match &header[126..] {
        b"IM" => Order::Little,
        b"MI" => Order::Big,
        _ => return Err(malformed(MAT, "the mark of its byte order is missing")),
    };
    let version = order.u16([header[124], header[125]]);
    if version != 0x0100 {
        return Err(unsupported(MAT, format!("version {version:#06x} of the format")));
    }
    let budget = &mut Budget::for_input(source.len());
    let mut found = Found::default();
    let rest = source.span(HEADER, source.len() - HEADER, MAT)?;
    let mut input = Input::new(source, rest, MAT);
    if input.is_empty() {
        let what = "no variable follows the header".into();
        return Err(Error::Truncated { format: MAT, what });
    }
    while !input.is_empty() {
        let element = Element::next(&mut input, order)?;
        match element.kind {
            kinds::MATRIX => variable::find(source, element.span, order, &mut found, budget)?,
            kinds::COMPRESSED => {
                let unpacked = unpack(source, element.span, order, budget)?;
                let source = Source::unpacked(&unpacked);
                let mut input = Input::new(source, source.whole(), MAT);
                let element = Element::next(&mut input, order)?;
                if element.kind != kinds::MATRIX {
                    let what = format!("a compressed element of type {}", element.kind);
                    return Err(malformed(MAT, what));
                }
                variable::find(source, element.span, order, &mut found, budget)?;
            }
            other => {
                let what = format!("an element of type {other} at offset {}", element.span.start);
                return Err(malformed(MAT, what));
            }
        }
    }
    Ok(found)
}

/// A compressed element says how long it is once unpacked; that much is charged before it is made.
fn unpack(source: Source, span: Span, order: Order, budget: &mut Budget) -> Result<Vec<u8>> {
    let damaged = |e: std::io::Error| malformed(MAT, format!("a compressed variable: {e}"));
    let mut unpacked = ZlibDecoder::new(source.stream(span));
    let mut tag = [0; 8];
    unpacked.read_exact(&mut tag).map_err(damaged)?;
    let mut fields = Reader::new(&tag[4..], MAT);
    let declared = u64::from(order.u32(fields.array()?));
    let size = declared + tag.len() as u64;
    budget.take(size)?;
    let mut out = tag.to_vec();
    let got = unpacked.take(size).read_to_end(&mut out).map_err(damaged)? as u64;
    if got != declared {
        let what = format!("a compressed variable of {declared} bytes unpacks to {got}");
        return Err(if got < declared {
            Error::Truncated { format: MAT, what }
        } else {
            malformed(MAT, what)
        });
    }
    Ok(out)
}
