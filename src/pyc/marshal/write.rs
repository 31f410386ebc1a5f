//! The marshal writer: the bytes from which a tree was read.

use super::{FLAG_REF, NodeId, Object, Payload, Tree, TypeCode};
use byteorder::{LittleEndian, WriteBytesExt};

/// Writes the tree: the same bytes from which it was read, trailing ones excepted.
///
/// The text is made anew from the nodes (type codes, FLAG_REF bits, sizes, reference indexes), not copied. Uses no
/// native recursion.
pub fn write(tree: &Tree<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(tree.end_offset());
    // What is still to be written, the next last.
    let mut todo = vec![Step::Object(tree.root().id())];
    while let Some(step) = todo.pop() {
        match step {
            Step::Object(id) => object(tree.object(id), &mut out, &mut todo),
            Step::Long(value) => long(value, &mut out),
        }
    }
    out
}

/// A part of the output.
enum Step {
    Object(NodeId),
    Long(i32),
}

/// Writes an object, and puts down its parts as steps.
fn object(object: Object<'_, '_>, out: &mut Vec<u8>, todo: &mut Vec<Step>) {
    let type_code = object.type_code();
    if let (Payload::None(text), false) = (object.payload(), object.is_bare_null())
        && !text.is_empty()
    {
        // A code object that lacks a field: the nodes hold no more than its text.
        out.extend_from_slice(text);
        return;
    }
    out.push(type_code as u8 | if object.has_flag_ref() { FLAG_REF } else { 0 });
    match object.payload() {
        Payload::None(_) => {}
        Payload::Int(value) if type_code == TypeCode::Int => long(value as i32, out),
        Payload::Int(value) => out.extend_from_slice(&value.to_le_bytes()),
        Payload::Long(value) => {
            let size = value.digits().len() as i32;
            long(if value.is_negative() { -size } else { size }, out);
            for digit in value.digits() {
                out.extend_from_slice(&digit.to_le_bytes());
            }
        }
        Payload::FloatText(text) => short(text, out),
        Payload::FloatBits(bits) => out.extend_from_slice(&bits.to_le_bytes()),
        Payload::ComplexText(real, imag) => {
            short(real, out);
            short(imag, out);
        }
        Payload::ComplexBits(real, imag) => {
            out.extend_from_slice(&real.to_le_bytes());
            out.extend_from_slice(&imag.to_le_bytes());
        }
        Payload::Bytes(bytes) => sized(bytes, out),
        Payload::Str(string) => match type_code {
            TypeCode::ShortAscii | TypeCode::ShortAsciiInterned => short(string.bytes(), out),
            _ => sized(string.bytes(), out),
        },
        Payload::Ref(index, _) => long(index.cast_signed(), out),
        Payload::Children(ids) => {
            match type_code {
                TypeCode::SmallTuple => out.push(ids.len() as u8),
                TypeCode::Dict => {}
                _ => long(ids.len() as i32, out),
            }
            todo.extend(ids.iter().rev().map(|&id| Step::Object(id)));
        }
        Payload::Code(code) => {
            for value in
                [code.argcount, code.posonlyargcount, code.kwonlyargcount, code.nlocals, code.stacksize, code.flags]
            {
                long(value, out);
            }
            todo.extend([Step::Object(code.lnotab), Step::Long(code.firstlineno)]);
            let fields = [
                code.code,
                code.consts,
                code.names,
                code.varnames,
                code.freevars,
                code.cellvars,
                code.filename,
                code.name,
            ];
            todo.extend(fields.into_iter().rev().map(Step::Object));
        }
    }
}

fn long(value: i32, out: &mut Vec<u8>) {
    // Writing to memory cannot fail.
    let _ = out.write_i32::<LittleEndian>(value);
}

fn sized(bytes: &[u8], out: &mut Vec<u8>) {
    long(bytes.len() as i32, out);
    out.extend_from_slice(bytes);
}

fn short(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(bytes.len() as u8);
    out.extend_from_slice(bytes);
}
