"""attnorm: transformer maths in StableHLO, raised, fused, lowered and run on CPUs."""
