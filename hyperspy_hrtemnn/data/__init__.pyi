from ._movies import au_ceo2_movie as au_ceo2_movie
from ._movies import au_ceo2_movie_truth as au_ceo2_movie_truth

__all__ = ["au_ceo2_movie", "au_ceo2_movie_truth"]
