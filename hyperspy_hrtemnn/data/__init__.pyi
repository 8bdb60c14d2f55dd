from ._movies import au_ceo2_movie as au_ceo2_movie
from ._movies import au_ceo2_movie_truth as au_ceo2_movie_truth
from ._movies import mos2_series as mos2_series

__all__ = ["au_ceo2_movie", "au_ceo2_movie_truth", "mos2_series"]
