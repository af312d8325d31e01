//! Any text as the description of a model, over a small weights file.
#![no_main]

use reelgan_checkpoint::ir;

libfuzzer_sys::fuzz_target!(|xml: &[u8]| {
    let bin = [0; 64];
    if let Ok(graph) = ir::Graph::parse(xml) {
        for layer in graph.layers() {
            let _ = graph.constant(layer, &bin);
        }
        let _ = ir::mobilestylegan(xml, &bin, xml, &bin);
    }
});
