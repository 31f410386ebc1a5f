//! `pycvm::pyc::verify`: everything CPython compiles is accepted, what would break a virtual machine is not.

#[path = "../cpython/mod.rs"]
mod cpython;
mod machine;

use pycvm::pyc::marshal;
use pycvm::pyc::opcode::Opcode::{self, *};
use pycvm::pyc::verify::{self, BlockKind, Finding, Input, NO_BLOCK, Reason, UNREACHABLE};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Bytecode with its prefixes.
fn assemble(code: &[(Opcode, u32)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for &(op, arg) in code {
        for shift in [24, 16, 8] {
            if arg >> shift != 0 {
                bytes.extend([ExtendedArg as u8, (arg >> shift) as u8]);
            }
        }
        bytes.extend([op as u8, arg as u8]);
    }
    bytes
}

/// A generator's code object with two of everything.
fn input(code: &[u8]) -> Input<'_> {
    Input {
        code,
        flags: 0x20,
        argcount: 0,
        posonlyargcount: 0,
        kwonlyargcount: 0,
        nlocals: 2,
        stacksize: 40,
        consts: 2,
        names: 2,
        varnames: 2,
        cellvars: 1,
        freevars: 1,
    }
}

#[test]
fn the_standard_library_is_accepted() {
    let Some(files) = cpython::library_files(&[".pyc", ".opt-1.pyc", ".opt-2.pyc"]) else { return };
    let (mut read, mut codes) = (0, 0);
    for path in &files {
        let data = std::fs::read(path).unwrap();
        let tree = marshal::read(&data[16..]).unwrap();
        for nested in tree.code().unwrap().walk() {
            let result = verify::analyze(&Input::of(nested.code));
            assert!(result.is_ok(), "{} {}: {:?}", path.display(), nested.qualname, result.err());
            codes += 1;
        }
        read += 1;
    }
    println!("{read} files, {codes} code objects");
    assert!(codes > read);
}

#[test]
fn findings() {
    let load = (LoadConst, 0);
    let ret = (ReturnValue, 0);
    let six = 6;
    type Case<'a> = (&'a [(Opcode, u32)], &'a [(u32, Reason)]);
    let cases: &[Case] = &[
        (&[load, ret], &[]),
        (&[(LoadConst, 2), ret], &[(0, Reason::IndexOutOfRange { table: "co_consts", index: 2, len: 2 })]),
        (&[(LoadConst, 256), ret], &[(0, Reason::IndexOutOfRange { table: "co_consts", index: 256, len: 2 })]),
        (&[(LoadName, 9), ret], &[(0, Reason::IndexOutOfRange { table: "co_names", index: 9, len: 2 })]),
        (&[(LoadFast, 2), ret], &[(0, Reason::IndexOutOfRange { table: "co_varnames", index: 2, len: 2 })]),
        (
            &[(LoadDeref, 2), ret],
            &[(0, Reason::IndexOutOfRange { table: "co_cellvars + co_freevars", index: 2, len: 2 })],
        ),
        (&[(LoadClassderef, 0), ret], &[(0, Reason::ClassDerefOfCell(0))]),
        (&[(LoadClassderef, 1), ret], &[]),
        // Also where nothing leads to.
        (&[load, ret, (LoadConst, 5), ret], &[(4, Reason::IndexOutOfRange { table: "co_consts", index: 5, len: 2 })]),
        (&[load, load, (CompareOp, 11), ret], &[(4, Reason::BadArgument(11))]),
        (&[load, (RaiseVarargs, 3)], &[(2, Reason::BadArgument(3))]),
        (&[load, load, (BuildSlice, 1), ret], &[(4, Reason::BadArgument(1))]),
        (&[load, (FormatValue, 8), ret], &[(2, Reason::BadArgument(8))]),
        (&[load, load, (MakeFunction, 16), ret], &[(4, Reason::BadArgument(16))]),
        (&[(JumpForward, 2), (EndFinally, 0), load, ret], &[]),
        (&[(JumpForward, 4), load, ret], &[(0, Reason::JumpOutOfRange(6))]),
        (&[(JumpAbsolute, 1), load, ret], &[(0, Reason::JumpInsideInstruction(1))]),
        (
            &[(JumpAbsolute, 4), (LoadConst, 256)],
            &[
                (0, Reason::JumpInsideInstruction(4)),
                (2, Reason::IndexOutOfRange { table: "co_consts", index: 256, len: 2 }),
            ],
        ),
        (&[(ExtendedArg, 0), (JumpAbsolute, 0)], &[]),
        (&[(ExtendedArg, 0), (JumpAbsolute, 2)], &[(0, Reason::JumpInsideInstruction(2))]),
        (&[(ExtendedArg, 0), (ExtendedArg, 0), (ExtendedArg, 0), load, ret], &[]),
        (
            &[(ExtendedArg, 0), (ExtendedArg, 0), (ExtendedArg, 0), (ExtendedArg, 0), load, ret],
            &[(0, Reason::LongExtendedArg)],
        ),
        (&[load, ret, (ExtendedArg, 0)], &[(4, Reason::ExtendedArgAtEnd)]),
        (&[load], &[(0, Reason::FallsOffEnd)]),
        (&[ret], &[(0, Reason::StackUnderflow { needed: 1, depth: 0 })]),
        (&[load, (BinaryAdd, 0), ret], &[(2, Reason::StackUnderflow { needed: 2, depth: 1 })]),
        (&[load, (DupTopTwo, 0), ret], &[(2, Reason::StackUnderflow { needed: 2, depth: 1 })]),
        (&[load, load, (ListAppend, 2), ret], &[(4, Reason::StackUnderflow { needed: 3, depth: 2 })]),
        (&[load, load, (ListAppend, 1), ret], &[]),
        (&[load, (UnpackSequence, 41), ret], &[(2, Reason::StackOverflow { depth: 41, stacksize: 40 })]),
        (&[load, (UnpackEx, 0x0102), ret], &[]),
        (&[load, (PopJumpIfTrue, 6), load, load, ret], &[(6, Reason::DepthsDiffer { first: 0, second: 1 })]),
        (&[load, (PopTop, 0), (JumpAbsolute, 0)], &[]),
        (&[load, (JumpAbsolute, 0)], &[(0, Reason::DepthsDiffer { first: 0, second: 1 })]),
        (&[(PopBlock, 0), load, ret], &[(0, Reason::NoSetupBlock)]),
        (&[(PopExcept, 0), load, ret], &[(0, Reason::NoExceptBlock)]),
        (&[load, load, load, (PopExcept, 0), load, ret], &[(6, Reason::NoExceptBlock)]),
        (&[(EndFinally, 0), load, ret], &[(0, Reason::NoFinallyBlock)]),
        (&[load, (SetupFinally, 2), (PopTop, 0), ret, ret], &[(4, Reason::BelowBlock)]),
        // try: return 0; except: return 0
        (&[(SetupFinally, 4), load, ret, (PopTop, 0), (PopTop, 0), (PopTop, 0), (PopExcept, 0), load, ret], &[]),
        // The handler takes one item of the saved exception.
        (
            &[(SetupFinally, 4), load, ret, (PopTop, 0), (PopTop, 0), (PopTop, 0), (PopTop, 0), load, ret],
            &[(12, Reason::ExceptionSlot)],
        ),
        (
            &[(SetupFinally, 4), load, ret, (PopTop, 0), (PopTop, 0), (PopExcept, 0), load, ret],
            &[(10, Reason::DepthOfBlock { needed: 3, depth: 4 })],
        ),
        // The exception was replaced before END_FINALLY.
        (&[(SetupFinally, 4), load, ret, (PopTop, 0), load, (EndFinally, 0)], &[(10, Reason::NoFinallyBlock)]),
        (&[(BeginFinally, 0), (EndFinally, 0), load, ret], &[]),
        (&[(BeginFinally, 0), (PopTop, 0), load, ret], &[(2, Reason::ExceptionSlot)]),
        (&[(BeginFinally, 0), (DupTop, 0), ret], &[(2, Reason::ExceptionSlot)]),
        (&[(BeginFinally, 0), load, (EndFinally, 0), ret], &[(4, Reason::DepthOfBlock { needed: 6, depth: 7 })]),
        (&[(BeginFinally, 0), load, (PopFinally, 1), ret], &[]),
        (&[(BeginFinally, 0), (PopExcept, 0), load, ret], &[(2, Reason::NoExceptBlock)]),
        (&[load, (BeginFinally, 0), (WithCleanupStart, 0), (WithCleanupFinish, 0), (EndFinally, 0), load, ret], &[]),
        (
            &[(BeginFinally, 0), (WithCleanupStart, 0), load, ret],
            &[(2, Reason::StackUnderflow { needed: 7, depth: six })],
        ),
        (&[load, (BeginFinally, 0), (WithCleanupFinish, 0), load, ret], &[(4, Reason::CleanupOrder)]),
        (&[load, (BeginFinally, 0), (WithCleanupStart, 0), (EndFinally, 0), load, ret], &[(6, Reason::CleanupOrder)]),
        (
            &[load, (SetupFinally, 8), (BeginFinally, 0), (WithCleanupStart, 0), load, ret, ret],
            &[(6, Reason::BelowBlock)],
        ),
        (
            &[
                load,
                (CallFinally, 4),
                load,
                ret,
                (WithCleanupStart, 0),
                (WithCleanupFinish, 0),
                (EndFinally, 0),
                load,
                ret,
            ],
            &[(8, Reason::CleanupCalled)],
        ),
        (&[load, (LoadMethod, 0), (CallMethod, 0), ret], &[]),
        (&[load, (LoadMethod, 0), (PopTop, 0), ret], &[(4, Reason::MethodSlot)]),
        (&[load, (LoadMethod, 0), (DupTop, 0), ret], &[(4, Reason::MethodSlot)]),
        (&[load, (LoadMethod, 0), load, (CallMethod, 0), ret], &[(6, Reason::NoMethod)]),
        (&[load, load, (CallMethod, 0), ret], &[(4, Reason::NoMethod)]),
        (&[(CallFinally, 4), load, ret, (EndFinally, 0), load, ret], &[]),
        (&[(SetupFinally, 6), (CallFinally, 4), load, ret, (EndFinally, 0)], &[(2, Reason::CallOfForeignFinally)]),
    ];
    for (code, expected) in cases {
        let bytes = assemble(code);
        let found: Vec<(u32, Reason)> = match verify::analyze(&input(&bytes)) {
            Ok(_) => Vec::new(),
            Err(findings) => findings.iter().map(|&Finding { offset, reason }| (offset, reason)).collect(),
        };
        assert_eq!(&found, expected, "{code:?}");
    }
}

#[test]
fn findings_of_the_whole_code_object() {
    let code = assemble(&[(LoadConst, 0), (ReturnValue, 0)]);
    let good = input(&code);
    let cases: &[(Input, Reason)] = &[
        (Input { code: &[], ..good }, Reason::EmptyCode),
        (Input { code: &code[..3], ..good }, Reason::OddLength),
        (Input { argcount: 1, posonlyargcount: 2, ..good }, Reason::PositionalOnly { posonlyargcount: 2, argcount: 1 }),
        (
            Input { argcount: 1, kwonlyargcount: 1, flags: 0x4, ..good },
            Reason::TooManyParameters { parameters: 3, nlocals: 2 },
        ),
        (Input { argcount: u32::MAX, ..good }, Reason::TooManyParameters { parameters: 0xffff_ffff, nlocals: 2 }),
        (Input { nlocals: 3, ..good }, Reason::LocalsWithoutNames { nlocals: 3, varnames: 2 }),
    ];
    assert!(verify::analyze(&good).is_ok());
    for (input, reason) in cases {
        assert_eq!(verify::analyze(input).unwrap_err(), [Finding { offset: 0, reason: *reason }]);
    }
    let yields = assemble(&[(LoadConst, 0), (YieldValue, 0), (ReturnValue, 0)]);
    assert!(verify::analyze(&input(&yields)).is_ok());
    let outside = verify::analyze(&Input { flags: 0, ..input(&yields) }).unwrap_err();
    assert_eq!(outside, [Finding { offset: 2, reason: Reason::YieldOutsideGenerator }]);
    let deref = assemble(&[(LoadClassderef, 1), (ReturnValue, 0)]);
    let function = verify::analyze(&Input { flags: 3, ..input(&deref) }).unwrap_err();
    assert_eq!(function, [Finding { offset: 0, reason: Reason::ClassDerefInFunction }]);
}

/// A function compiled by CPython 3.8, and what is known before its instructions.
struct Compiled {
    source: &'static str,
    code: &'static str,
    stacksize: u32,
    flags: u32,
    max_depth: u32,
    /// Offset, depth, and the blocks open there, innermost first.
    states: &'static [(u32, u32, &'static str)],
    finally_calls: &'static [Call],
}

/// Offset, target, depth, level, carried, except.
type Call = (u32, u32, u32, u32, u32, Option<u32>);

const COMPILED: &[Compiled] = &[
    Compiled {
        source: "def f(x):\n try: return g(x)\n except E as e: return e\n finally: h()",
        code: "7a427a0e74017c00830157005700a2345300040074026b0a723e01007d0101007a107c01060057005900a2065700a21453\
               0064007d017e01580059006e02580057003500740083000100580064005300",
        stacksize: 16,
        flags: 3,
        max_depth: 10,
        states: &[
            (0, 0, ""),
            (4, 0, "setup 18 at 0, setup 68 at 0"),
            (10, 1, "setup 18 at 0, setup 68 at 0"),
            (14, 1, ""),
            (16, 1, ""),
            (18, 6, "except at 0, setup 68 at 0"),
            (32, 3, "except at 0, setup 68 at 0"),
            (36, 4, "setup 50 at 3, except at 0, setup 68 at 0"),
            (38, 4, "setup 50 at 4, except at 1, setup 68 at 0"),
            (40, 4, "except at 1, setup 68 at 0"),
            (42, 1, "setup 68 at 0"),
            (46, 1, ""),
            (48, 1, ""),
            (50, 9, "finally at 3, except at 0, setup 68 at 0"),
            (58, 3, "except at 0, setup 68 at 0"),
            (60, 0, "setup 68 at 0"),
            (62, 6, "except at 0, setup 68 at 0"),
            (66, 0, ""),
            (68, 6, "finally at 0"),
            (76, 0, ""),
        ],
        finally_calls: &[(14, 68, 1, 0, 1, None), (42, 50, 1, 3, 1, Some(0)), (46, 68, 1, 0, 1, None)],
    },
    Compiled {
        source: "def f(x):\n for y in x:\n  with y as z:\n   if z: return z\n   continue",
        code: "7c0044005d387d017c018f2a7d027c0272267c0257000200350051005200a3000200010053005700350051005200a30071\
               0457003500510052005800710464005300",
        stacksize: 11,
        flags: 3,
        max_depth: 11,
        states: &[
            (10, 2, ""),
            (12, 3, "setup 54 at 2"),
            (22, 3, ""),
            (26, 9, "finally at 3"),
            (28, 11, "cleanup finally at 3"),
            (30, 8, "finally at 2"),
            (32, 2, ""),
            (36, 1, ""),
            (50, UNREACHABLE, ""),
            (54, 8, "except at 2"),
            (56, 10, "cleanup except at 2"),
            (58, 7, "finally at 1"),
            (60, 1, ""),
            (62, 0, ""),
        ],
        finally_calls: &[],
    },
    Compiled {
        source: "def f(x):\n while 1:\n  try: return x\n  finally:\n   if x: break\n   return 5",
        code: "64007a0c7c00570002000100a20253007c00721aa30001007128a30001006401530058000100710064005300",
        stacksize: 8,
        flags: 3,
        max_depth: 8,
        states: &[
            (8, 2, ""),
            (12, 1, ""),
            (14, 1, ""),
            (16, 7, "finally at 1"),
            (20, 7, "finally at 1"),
            (22, 1, ""),
            (32, 1, ""),
            (34, UNREACHABLE, ""),
            (40, 0, ""),
        ],
        finally_calls: &[(12, 16, 1, 1, 0, None)],
    },
    Compiled {
        source: "async def f(x):\n async for y in x:\n  async with y as z: return await z",
        code: "7c0032007a4633006400480057007d017c0134004900640048009a227d027c02490064004800570002003500510049006\
               40048005200a3000200010053005100490064004800520058007104360064005300",
        stacksize: 12,
        flags: 0x83,
        max_depth: 12,
        states: &[
            (6, 1, "setup 76 at 1"),
            (26, 3, ""),
            (28, 3, "setup 62 at 2"),
            (44, 9, "finally at 3"),
            (46, 11, "cleanup finally at 3"),
            (54, 8, "finally at 2"),
            (62, 8, "except at 2"),
            (72, 7, "finally at 1"),
            (74, 1, ""),
            (76, 7, "except at 1"),
            (78, 0, ""),
        ],
        finally_calls: &[],
    },
];

#[test]
fn depths_and_blocks() {
    for case in COMPILED {
        let code = case.bytes();
        let input = case.input(&code);
        let analysis = verify::analyze(&input).expect(case.source);
        for &(offset, depth, blocks) in case.states {
            let unit = offset as usize / 2;
            assert_eq!(analysis.depth[unit], depth, "{} at {offset}", case.source);
            let mut found = Vec::new();
            let mut at = analysis.block[unit];
            while at != NO_BLOCK {
                let block = analysis.blocks[at as usize];
                let kind = match block.kind {
                    BlockKind::Setup { handler, .. } => format!("setup {handler}"),
                    BlockKind::Except => "except".into(),
                    BlockKind::Finally => "finally".into(),
                };
                let cleanup = if block.cleanup { "cleanup " } else { "" };
                found.push(format!("{cleanup}{kind} at {}", block.level));
                at = block.parent.unwrap_or(NO_BLOCK);
            }
            assert_eq!(found.join(", "), blocks, "{} at {offset}", case.source);
        }
        let calls: Vec<Call> = analysis
            .finally_calls
            .iter()
            .map(|call| (call.offset, call.target, call.depth, call.level, call.carried, call.except))
            .collect();
        assert_eq!(calls, case.finally_calls, "{}", case.source);
        assert_eq!(analysis.max_depth, case.max_depth, "{}", case.source);
    }
}

/// Runs `pycvm verify` on these files; its standard output, and the exit code.
fn command(files: &[&Path]) -> (String, Option<i32>) {
    let output = Command::new(env!("CARGO_BIN_EXE_pycvm")).arg("verify").args(files).output().unwrap();
    (String::from_utf8(output.stdout).unwrap(), output.status.code())
}

#[test]
fn the_command() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let good = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dis/sample.pyc");
    let missing = folder.join("missing.pyc");
    // The RETURN_VALUE of `generator` becomes POP_EXCEPT.
    let mut data = std::fs::read(&good).unwrap();
    let generator = data.windows(4).position(|code| code == [72, 0, 83, 0]).expect("return (yield from x)");
    data[generator + 2] = 89;
    let bad = folder.join("verify-bad.pyc");
    std::fs::write(&bad, &data).unwrap();
    let line = format!(
        "{}: coroutine.<locals>.generator: offset 14: the innermost block is not an exception handler\n",
        bad.display()
    );
    assert_eq!(command(&[&good]), (String::new(), Some(0)));
    assert_eq!(command(&[&good, &bad, &good]), (line.clone(), Some(1)));
    assert_eq!(command(&[&missing]), (String::new(), Some(2)));
    assert_eq!(command(&[&missing, &bad]), (line, Some(2)));
    assert_eq!(command(&[&folder]), (String::new(), Some(2)));
}
