"""Weights out of a `.caffemodel`, and into one."""

from prunax.convert.caffemodel.reading import read as read
from prunax.convert.caffemodel.writing import write as write
