# What many programs begin with.
import re, json, argparse, collections
