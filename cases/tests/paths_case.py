"""A case whose features AugMed's paths name, and styles."""

from hypothesis import strategies as st

from cases.disclosure import (
    AdviceNode,
    Heading,
    Style,
)
from cases.tree import Entry, Feature, Node, Tree

styles = st.builds(
    Style,
    st.none() | st.booleans(),
    st.none() | st.booleans(),
    st.none() | st.decimals(-3, 3, places=1),
)


def feature(key, label, *texts, discriminator="", role="clinical"):
    return Feature(key, discriminator, label, "text", role, tuple(Entry(text) for text in texts))


HISTORY = Node(
    "history",
    "Medical History",
    "category",
    (
        feature("mh", "Fatigue", "Yes", discriminator="t:fatigue"),
        feature("mh", "B.M.I. class", "22.5 kg", discriminator="t:b.m.i. class"),
        feature("smoke", "Smoke", "10 per day", "Former"),
    ),
)
PULSE = feature("pulse", "Pulse", "72.5")
SKIN = Node("skin", "Skin", "category", (feature("rash", "Rash", "none seen"),))
CASE = Tree(
    1,
    (
        Node("background", "BACKGROUND", "section", (HISTORY,)),
        Node("exam", "PHYSICAL EXAMINATION", "section", (PULSE, SKIN)),
        Node(
            "risk",
            "MODEL",
            "section",
            (
                feature("crc", "CRC Score", "7", discriminator="t:crc score", role="advice"),
                feature("crc", "Adjusted CRC", "9", discriminator="t:adjusted crc", role="advice"),
            ),
        ),
    ),
)
CRC = AdviceNode("crc", "CRC risk assessments", (Heading("risk", "MODEL", "section"),))
