//! The instruction bytes of the pickle protocols 0 to 5.

macro_rules! opcodes {
    ($($name:ident = $byte:literal),* $(,)?) => { $(pub(super) const $name: u8 = $byte;)* };
}

opcodes! {
    MARK = b'(', STOP = b'.', POP = b'0', POP_MARK = b'1', DUP = b'2',
    FLOAT = b'F', INT = b'I', LONG = b'L', BININT = b'J', BININT1 = b'K', BININT2 = b'M',
    LONG1 = 0x8a, LONG4 = 0x8b, BINFLOAT = b'G', NONE = b'N', NEWTRUE = 0x88, NEWFALSE = 0x89,
    STRING = b'S', BINSTRING = b'T', SHORT_BINSTRING = b'U',
    UNICODE = b'V', BINUNICODE = b'X', SHORT_BINUNICODE = 0x8c, BINUNICODE8 = 0x8d,
    BINBYTES = b'B', SHORT_BINBYTES = b'C', BINBYTES8 = 0x8e, BYTEARRAY8 = 0x96,
    EMPTY_LIST = b']', LIST = b'l', APPEND = b'a', APPENDS = b'e',
    EMPTY_TUPLE = b')', TUPLE = b't', TUPLE1 = 0x85, TUPLE2 = 0x86, TUPLE3 = 0x87,
    EMPTY_DICT = b'}', DICT = b'd', SETITEM = b's', SETITEMS = b'u',
    EMPTY_SET = 0x8f, ADDITEMS = 0x90, FROZENSET = 0x91,
    GET = b'g', BINGET = b'h', LONG_BINGET = b'j', PUT = b'p', BINPUT = b'q', LONG_BINPUT = b'r', MEMOIZE = 0x94,
    GLOBAL = b'c', STACK_GLOBAL = 0x93, REDUCE = b'R', BUILD = b'b', INST = b'i', OBJ = b'o',
    NEWOBJ = 0x81, NEWOBJ_EX = 0x92, PERSID = b'P', BINPERSID = b'Q', PROTO = 0x80, FRAME = 0x95,
}
