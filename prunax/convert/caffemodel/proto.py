"""The weight-bearing part of Caffe's NetParameter, as a protobuf message.

Only the fields that lead to weights are described; protobuf skips the others.
The description is built at run time, so there is no generated file that must
fit the installed protobuf.
"""

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_PACKAGE = 'prunax.caffe'

# Caffe's blobs have no more.
MOST_AXES = 32

# Of each message the fields: name, number, type; a trailing * is repeated, a
# trailing + repeated and packed. Names and numbers are those of caffe.proto.
_MESSAGES = {
  'BlobShape': [('dim', 1, 'int64+')],
  'BlobProto': [
    ('num', 1, 'int32'),
    ('channels', 2, 'int32'),
    ('height', 3, 'int32'),
    ('width', 4, 'int32'),
    ('data', 5, 'float+'),
    ('shape', 7, 'BlobShape'),
    ('double_data', 8, 'double+'),
  ],
  'InnerProductParameter': [('transpose', 6, 'bool')],
  'LayerParameter': [
    ('name', 1, 'string'),
    ('type', 2, 'string'),
    ('blobs', 7, 'BlobProto*'),
    ('inner_product_param', 117, 'InnerProductParameter'),
  ],
  # The type is an enum there, which on the wire is an int32.
  'V1LayerParameter': [
    ('name', 4, 'string'),
    ('type', 5, 'int32'),
    ('blobs', 6, 'BlobProto*'),
  ],
  'NetParameter': [
    ('name', 1, 'string'),
    ('layers', 2, 'V1LayerParameter*'),
    ('layer', 100, 'LayerParameter*'),
  ],
}


def _net_parameter() -> Any:
  field = descriptor_pb2.FieldDescriptorProto
  file = descriptor_pb2.FileDescriptorProto(
    name='prunax/caffe.proto', package=_PACKAGE, syntax='proto2'
  )
  for message, fields in _MESSAGES.items():
    described = file.message_type.add(name=message)
    for name, number, spelled in fields:
      kind = spelled.rstrip('*+')
      one = described.field.add(name=name, number=number)
      one.label = (
        field.LABEL_OPTIONAL if kind == spelled else field.LABEL_REPEATED
      )
      one.options.packed = spelled.endswith('+')
      if kind in _MESSAGES:
        one.type = field.TYPE_MESSAGE
        one.type_name = f'.{_PACKAGE}.{kind}'
      else:
        one.type = field.Type.Value(f'TYPE_{kind.upper()}')
  pool = descriptor_pool.DescriptorPool()
  pool.AddSerializedFile(file.SerializeToString())
  found = pool.FindMessageTypeByName(f'{_PACKAGE}.NetParameter')
  return message_factory.GetMessageClass(found)


NetParameter = _net_parameter()
