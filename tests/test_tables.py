import matplotlib.image

from project.tables import draw_confusion_matrix


def test_confusion_matrix_is_drawn_darkest_on_the_largest_share(tmp_path):
    draw_confusion_matrix(tmp_path / "matrix.png", [[9, 1], [2, 8]], ["bad", "good"])
    picture = matplotlib.image.imread(tmp_path / "matrix.png")
    height, width = picture.shape[:2]
    blue = [picture[int(height * y), int(width * x), 0] for x, y in ((0.25, 0.2), (0.9, 0.2))]
    assert blue[0] < 0.3 < 0.8 < blue[1]  # little red where 90 % stand, much where 10 % do
