"""The answer export that AugMed's analysts know: one wide row per answered review, columns made from the study."""
